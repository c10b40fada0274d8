//! Messages to be read into JSON, and what each holds.

/// A message and its answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Form {
    /// The instruction; the word JSON must occur in it.
    pub(crate) instruction: &'static str,
    /// Messages that it may be about.
    pub(crate) messages: &'static [&'static str],
    /// Members of the answer: name, template of the value, and whether it is a number.
    pub(crate) members: &'static [(&'static str, &'static str, bool)],
}

/// In English.
pub(crate) const ENGLISH: &[Form] = &[
    Form {
        instruction: "Read the order from this message and answer in JSON with customer, order, product, quantity, city: ",
        messages: &[
            "\"{person} here. For order {order} I need {count} pieces of the {product}, sent to {place}.\"",
            "\"Hello, please change {order} to {count} times {product} and ship it to {place}. Regards, {person}\"",
        ],
        members: &[
            ("customer", "{person}", false),
            ("order", "{order}", false),
            ("product", "{product}", false),
            ("quantity", "{count}", true),
            ("city", "{place}", false),
        ],
    },
    Form {
        instruction: "Answer with a JSON object (kind, weekday, hour, person, reference) for this note: ",
        messages: &[
            "\"{colleague} moved our appointment to {weekday} at {hour}:00, reference {code}.\"",
            "\"New appointment with {colleague}: {weekday}, {hour} o'clock. Quote {code}.\"",
        ],
        members: &[
            ("kind", "appointment", false),
            ("weekday", "{weekday}", false),
            ("hour", "{hour}", true),
            ("person", "{colleague}", false),
            ("reference", "{code}", true),
        ],
    },
    Form {
        instruction: "Sort this complaint. Reply as JSON with category, urgency, product, amount, case: ",
        messages: &[
            "\"The {other} broke after {days} days and I want my {amount} EUR back. Case {code}.\"",
            "\"Case {code}: {amount} EUR for a {other} that does not even start. I have waited {days} days.\"",
        ],
        members: &[
            ("category", "refund", false),
            ("urgency", "high", false),
            ("product", "{other}", false),
            ("amount", "{amount}", true),
            ("case", "{code}", true),
        ],
    },
];

/// In Chinese.
pub(crate) const CHINESE: &[Form] = &[
    Form {
        instruction: "请读取订单，用 JSON 回答，键为 customer、order、product、quantity、city：",
        messages: &[
            "“我是{person}，订单{order}需要{count}件{product}，送到{place}。”",
            "“请把{order}改成{count}件{product}，寄到{place}。{person}”",
        ],
        members: &[
            ("customer", "{person}", false),
            ("order", "{order}", false),
            ("product", "{product}", false),
            ("quantity", "{count}", true),
            ("city", "{place}", false),
        ],
    },
    Form {
        instruction: "请给这条投诉分类，以 JSON 回复 category、urgency、product、amount、case：",
        messages: &[
            "“{other}用了{days}天就坏了，请退{amount}元，编号{code}。”",
            "“编号{code}：{amount}元的{other}根本打不开，我已经等了{days}天。”",
        ],
        members: &[
            ("category", "refund", false),
            ("urgency", "high", false),
            ("product", "{other}", false),
            ("amount", "{amount}", true),
            ("case", "{code}", true),
        ],
    },
];

/// System prompt in English.
pub(crate) const SYSTEM_IN_ENGLISH: &str = "You turn messages into JSON. Output one JSON object and nothing else.";
/// System prompt in Chinese.
pub(crate) const SYSTEM_IN_CHINESE: &str = "你把消息转换成 JSON。只输出一个 JSON 对象。";
