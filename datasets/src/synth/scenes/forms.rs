//! Messages to be read into JSON of a stated schema, with lists of any length.

/// A kind of message, the schema of its answer, and both as templates.
#[derive(Debug)]
pub(crate) struct Form {
    /// Name of the schema.
    pub(crate) name: &'static str,
    /// The schema, within what strict mode allows: all members required, no others.
    pub(crate) schema: &'static str,
    /// The instruction, in English and in Chinese; the word JSON must occur in it.
    pub(crate) asks: (&'static str, &'static str),
    /// What the message says of one item.
    pub(crate) says: (&'static str, &'static str),
    /// The answer; `{items}` is the list.
    pub(crate) answer: &'static str,
    /// One item of the list.
    pub(crate) item: &'static str,
}

/// System prompts, in English and in Chinese.
pub(crate) const SYSTEMS: (&str, &str) = (
    "You turn messages into JSON. Output one JSON object and nothing else. Take names and numbers as they stand.",
    "你把消息转换成 JSON。只输出一个 JSON 对象，姓名和数字照抄原文。",
);

/// All forms.
pub(crate) const FORMS: &[Form] = &[
    Form {
        name: "order",
        schema: r#"{"type":"object","properties":{"customer":{"type":"string"},"order":{"type":"string"},"city":{"type":"string"},"reference":{"type":"integer"},"items":{"type":"array","items":{"type":"object","properties":{"product":{"type":"string"},"quantity":{"type":"integer"},"unit_price":{"type":"number"}},"required":["product","quantity","unit_price"],"additionalProperties":false}}},"required":["customer","order","city","reference","items"],"additionalProperties":false}"#,
        asks: (
            "Read this order as JSON (customer, order, city, reference, items with product, quantity, unit_price). \"{person} from {city} here, order {order}, reference {code}:",
            "请把这份订单读成 JSON（customer、order、city、reference，items 含 product、quantity、unit_price）。“我是{city}的{person}，订单{order}，编号{code}：",
        ),
        says: (" {count} times {other} at {amount} EUR.", "{count}件{other}，每件{amount}元。"),
        answer: r#"{"customer":"{person}","order":"{order}","city":"{city}","reference":{code},"items":[{items}]}"#,
        item: r#"{"product":"{other}","quantity":{count},"unit_price":{amount}}"#,
    },
    Form {
        name: "complaint",
        schema: r#"{"type":"object","properties":{"category":{"type":"string","enum":["refund","delivery","quality"]},"urgency":{"type":"string","enum":["low","normal","high"]},"case":{"type":"integer"},"customer":{"type":"string"},"faults":{"type":"array","items":{"type":"object","properties":{"product":{"type":"string"},"days":{"type":"integer"},"claim":{"type":["number","null"]}},"required":["product","days","claim"],"additionalProperties":false}}},"required":["category","urgency","case","customer","faults"],"additionalProperties":false}"#,
        asks: (
            "Sort this complaint. Reply as JSON with category, urgency, case, customer, faults (product, days, claim or null). \"Case {code}, {person}, and I want my money back at once:",
            "请给这条投诉分类，以 JSON 回复 category、urgency、case、customer、faults（product、days、claim 或 null）。“编号{code}，{person}，请马上退款：",
        ),
        says: (
            " the {other} broke after {days} days, {amount} EUR please.",
            "{other}用了{days}天就坏了，请退{amount}元。",
        ),
        answer: r#"{"category":"refund","urgency":"high","case":{code},"customer":"{person}","faults":[{items}]}"#,
        item: r#"{"product":"{other}","days":{days},"claim":{amount}}"#,
    },
    Form {
        name: "meeting",
        schema: r#"{"type":"object","properties":{"place":{"type":"string"},"chair":{"type":"string"},"reference":{"type":"integer"},"online":{"type":"boolean"},"actions":{"type":"array","items":{"type":"object","properties":{"who":{"type":"string"},"weekday":{"type":"string"},"hour":{"type":"integer"}},"required":["who","weekday","hour"],"additionalProperties":false}}},"required":["place","chair","reference","online","actions"],"additionalProperties":false}"#,
        asks: (
            "Answer with a JSON object (place, chair, reference, online, actions with who, weekday, hour) for this note: \"We met in person in {city}, {person} in the chair, file {code}.",
            "请用 JSON 对象（place、chair、reference、online，actions 含 who、weekday、hour）整理这份记录：“在{city}当面开会，{person}主持，文件{code}。",
        ),
        says: (" {colleague} reports on {weekday} at {hour}:00.", "{colleague}{weekday}{hour}点汇报。"),
        answer: r#"{"place":"{city}","chair":"{person}","reference":{code},"online":false,"actions":[{items}]}"#,
        item: r#"{"who":"{colleague}","weekday":"{weekday}","hour":{hour}}"#,
    },
];
