//! Questions to a model that is offered functions with several parameters.

/// A function, a question that needs it, what it returns, and the answer from that.
#[derive(Debug)]
pub(crate) struct Function {
    /// Name of the function.
    pub(crate) name: &'static str,
    /// What it does.
    pub(crate) description: &'static str,
    /// Schema of its parameters.
    pub(crate) parameters: &'static str,
    /// Template of the arguments, JSON.
    pub(crate) arguments: &'static str,
    /// Questions in English and in Chinese.
    pub(crate) asks: (&'static str, &'static str),
    /// What the function returns, JSON.
    pub(crate) result: &'static str,
    /// What is asked once the result is there.
    pub(crate) follow_ups: (&'static str, &'static str),
    /// The answer.
    pub(crate) answers: (&'static str, &'static str),
}

/// System prompts, in English and in Chinese.
pub(crate) const SYSTEMS: (&str, &str) = (
    "You work for a shop and may call functions. Call one only if you need it, and never make up its result.",
    "你为一家商店工作，可以调用函数。需要时才调用，不要编造结果。",
);

/// All functions; each request offers all of them.
pub(crate) const FUNCTIONS: &[Function] = &[
    Function {
        name: "find_order",
        description: "Looks up an order by its number, with the last scan of its parcel",
        parameters: r#"{"type":"object","properties":{"order":{"type":"string"},"history_days":{"type":"integer"}},"required":["order","history_days"],"additionalProperties":false}"#,
        arguments: r#"{"order":"{order}","history_days":{days}}"#,
        asks: (
            "Where has order {order} been in the last {days} days? Case {code}, for {place}.",
            "订单{order}最近{days}天到过哪里？编号{code}，寄往{place}。",
        ),
        result: r#"{"status":"in transit","place":"depot {code}","days_left":{days}}"#,
        follow_ups: (
            "And can {colleague} have it by {weekday}? Say it in one sentence, ticket {code}.",
            "{colleague}{weekday}能收到吗？请用一句话回答，工单{code}。",
        ),
        answers: (
            "Order {order} lies at a depot and needs a few more days, so {weekday} is not certain for {colleague}.",
            "订单{order}在中转站，还要几天，所以{weekday}不一定能送到{colleague}手里。",
        ),
    },
    Function {
        name: "stock_of",
        description: "Pieces of a product in stock at a depot",
        parameters: r#"{"type":"object","properties":{"product":{"type":"string"},"depot":{"type":"string"},"pieces":{"type":"integer"}},"required":["product","depot","pieces"],"additionalProperties":false}"#,
        arguments: r#"{"product":"{other}","depot":"{place}","pieces":{count}}"#,
        asks: (
            "Have we got {count} of the {other} in {place} by {weekday}? Request {code}.",
            "{weekday}之前{place}能凑够{count}件{other}吗？申请{code}。",
        ),
        result: r#"{"pieces":{code},"reserved":{count}}"#,
        follow_ups: (
            "Then put {count} aside for {colleague}, and tell me what I may promise (list {code}).",
            "那给{colleague}留{count}件，告诉我能承诺什么（清单{code}）。",
        ),
        answers: (
            "There are enough pieces in stock; {count} are noted for {colleague}, and you may promise {weekday}.",
            "库存足够，已为{colleague}记下{count}件，可以承诺{weekday}。",
        ),
    },
    Function {
        name: "refund",
        description: "Pays money back for an order, after a person has agreed",
        parameters: r#"{"type":"object","properties":{"order":{"type":"string"},"amount":{"type":"number"},"reason":{"type":"string","enum":["late","damaged","wrong_article"]}},"required":["order","amount","reason"],"additionalProperties":false}"#,
        arguments: r#"{"order":"{order}","amount":{amount},"reason":"damaged"}"#,
        asks: (
            "Refund {amount} EUR for order {order}, the {other} came damaged. {colleague} agreed, note {code}.",
            "订单{order}的{other}到货时已损坏，请退{amount}元，{colleague}已同意，备注{code}。",
        ),
        result: r#"{"booked":true,"receipt":"{code}"}"#,
        follow_ups: (
            "Write the customer a line about it: {weekday}, receipt {code}, {amount} EUR.",
            "给顾客写一句话：{weekday}，收据{code}，{amount}元。",
        ),
        answers: (
            "The {amount} EUR are on their way back to you; the receipt is {code}, and your bank should show it by {weekday}.",
            "{amount}元已退回，收据号{code}，银行最晚{weekday}入账。",
        ),
    },
    Function {
        name: "get_weather",
        description: "Forecast for a city",
        parameters: r#"{"type":"object","properties":{"city":{"type":"string"},"days":{"type":"integer"}},"required":["city","days"],"additionalProperties":false}"#,
        arguments: r#"{"city":"{place}","days":{days}}"#,
        asks: (
            "Our van goes to {place} for {days} days from {weekday} on. Will the road be dry? Tour {code}.",
            "我们的车从{weekday}起去{place}{days}天，路上会下雨吗？路线{code}。",
        ),
        result: r#"{"sky":"dry, some cloud","wind_kmh":{count}}"#,
        follow_ups: (
            "Is that wind a problem for {count} parcels on an open van? Tour {code}.",
            "这样的风对敞篷车上的{count}个包裹有影响吗？路线{code}。",
        ),
        answers: (
            "It stays dry in {place}; cover the {count} parcels, and the wind is no problem.",
            "{place}不会下雨，盖好{count}个包裹，风没有影响。",
        ),
    },
];
