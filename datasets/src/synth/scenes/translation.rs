//! Sentences that exist in both languages, to be translated from the one into the other.

/// English and Chinese of the same sentence.
pub(crate) const SENTENCES: &[(&str, &str)] = &[
    ("The meeting moves to {weekday} at {hour}:00.", "会议改到{weekday}{hour}点。"),
    ("Please bring {count} copies of the contract.", "请带{count}份合同。"),
    ("{colleague} is away for {days} days.", "{colleague}要离开{days}天。"),
    ("The {product} is sold out in {place}.", "{place}的{product}已经卖完。"),
    ("We deliver to {city} every {weekday}.", "我们每个{weekday}给{city}送货。"),
    ("The price rises to {amount} from next month.", "下个月起价格涨到{amount}。"),
    ("Order {order} was paid twice by mistake.", "订单{order}误付了两次。"),
    ("The door code is {code} until {weekday}.", "到{weekday}为止门禁码是{code}。"),
    ("{company} opens a shop in {place}.", "{company}在{place}开一家店。"),
    ("Nobody had tested the {other} in the rain.", "没有人在雨中试过{other}。"),
    ("The train to {place} leaves at {hour}:40.", "去{place}的火车{hour}点四十分开。"),
    ("{person} signed the paper {days} days ago.", "{person}{days}天前签了字。"),
    ("There is room for {count} guests at most.", "最多能容纳{count}位客人。"),
    ("Write down number {code} before you call.", "打电话前请记下号码{code}。"),
];

/// How an English writer asks for it.
pub(crate) const ASKS_IN_ENGLISH: &[&str] = &[
    "Translate into Chinese, for the notice board of {company}: ",
    "Please put this into simple Chinese: ",
    "How would you say this in Chinese to a customer? ",
];
/// How a Chinese writer asks for it.
pub(crate) const ASKS_IN_CHINESE: &[&str] =
    &["请翻译成英文，贴在{company}的公告栏：", "请用简单的英语表达：", "对顾客用英语怎么说？"];

/// System prompts for English writers.
pub(crate) const SYSTEMS_IN_ENGLISH: &[&str] =
    &["You translate between English and Chinese. Give the translation only, no notes."];
/// System prompts for Chinese writers.
pub(crate) const SYSTEMS_IN_CHINESE: &[&str] = &["你是中英翻译。只给出译文，不加说明。"];
