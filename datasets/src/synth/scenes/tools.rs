//! Questions to a model that is offered functions.

/// A function that is offered, with a question for it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Offer {
    /// Name of the function.
    pub(crate) name: &'static str,
    /// What it does.
    pub(crate) description: &'static str,
    /// Its one parameter.
    pub(crate) parameter: &'static str,
    /// Template of the argument.
    pub(crate) argument: &'static str,
    /// Questions in English and in Chinese.
    pub(crate) asks: (&'static [&'static str], &'static [&'static str]),
    /// What the function returns, as JSON.
    pub(crate) result: &'static str,
    /// The answer in English and in Chinese.
    pub(crate) answers: (&'static [&'static str], &'static [&'static str]),
}

/// All functions; each request offers all of them.
pub(crate) const OFFERS: &[Offer] = &[
    Offer {
        name: "find_order",
        description: "Looks up an order by its number",
        parameter: "order",
        argument: "{order}",
        asks: (
            &[
                "Where is order {order} now? It was for {place}, number {code}.",
                "Status of {order} please, paid {amount} EUR on {weekday}.",
            ],
            &["订单{order}现在在哪里？寄往{place}，编号{code}。", "请查{order}的状态，{weekday}付了{amount}元。"],
        ),
        result: "{\"status\": \"in transit\", \"place\": \"depot {code}\", \"days_left\": {days}}",
        answers: (
            &["Order {order} is on its way.", "It lies at depot {code} and should need {days} more days."],
            &["订单{order}正在运送中。", "它在{code}号仓库，大约还要{days}天。"],
        ),
    },
    Offer {
        name: "get_weather",
        description: "Forecast for a city",
        parameter: "city",
        argument: "{place}",
        asks: (
            &[
                "Can I ride from {city} to {place} on {weekday} at {hour}:00 without getting wet? Tour {code}.",
                "What will it be like in {place} on {weekday}? We are {count} people, booking {code}.",
            ],
            &[
                "{weekday}{hour}点从{city}骑车到{place}会下雨吗？路线{code}。",
                "{place}{weekday}天气怎么样？我们{count}个人，预订号{code}。",
            ],
        ),
        result: "{\"sky\": \"dry, some cloud\", \"wind_kmh\": {count}}",
        answers: (
            &["In {place} it stays dry with some cloud.", "The wind blows at {count} km/h."],
            &["{place}多云，没有雨。", "风速每小时{count}公里。"],
        ),
    },
    Offer {
        name: "stock_of",
        description: "Pieces of a product in stock",
        parameter: "product",
        argument: "{other}",
        asks: (
            &[
                "Have we got {count} of the {other} for {colleague} by {weekday}? Request {code}.",
                "How many {other} pieces are left in {place}? List {code}.",
            ],
            &[
                "{weekday}之前能给{colleague}凑够{count}件{other}吗？申请{code}。",
                "{place}还有多少件{other}？清单{code}。",
            ],
        ),
        result: "{\"pieces\": {code}}",
        answers: (
            &["There are {code} pieces of the {other} in stock.", "That is enough for the request."],
            &["{other}还有{code}件库存。", "足够满足需要。"],
        ),
    },
];

/// System prompt in English.
pub(crate) const SYSTEM_IN_ENGLISH: &str = "You may call functions to answer. Call one only if you need it.";
/// System prompt in Chinese.
pub(crate) const SYSTEM_IN_CHINESE: &str = "你可以调用函数来回答，需要时才调用。";
