//! Documents of any length, to be summarised or asked about.

use super::{Scene, Topic};

/// What every English document says about the facts that its question and its answer are about.
pub(crate) const ENGLISH_ANCHORS: &[&str] = &[
    "The team agreed to ship the {other} on {weekday} and to tell the customers beforehand.",
    "{colleague} takes on the backlog in {place} and books the returns by {weekday}.",
];
/// The same in Chinese.
pub(crate) const CHINESE_ANCHORS: &[&str] =
    &["大家同意在{weekday}发出{other}，并提前通知顾客。", "{colleague}负责{place}的积压，并在{weekday}之前登记退货。"];

/// Sentences of which an English document is made.
pub(crate) const ENGLISH_LINES: &[&str] = &[
    "{colleague} reported that {count} pallets for {place} were still waiting.",
    "Costs for packaging rose to {amount} EUR a week.",
    "Nobody objected to moving the stocktaking to {weekday} at {hour}:00.",
    "The depot in {place} needs {days} more days to clear the backlog.",
    "Complaints about the {other} fell by {count} percent.",
    "{colleague} will write to the carrier and quote number {code}.",
    "Two drivers asked for another route through {place}.",
    "The new scanner reads {code} labels an hour, the old one half of that.",
    "A sample of {count} parcels showed no damage.",
    "The landlord in {place} wants {amount} EUR more from spring.",
    "It was noted that the {other} sells best on a {weekday}.",
    "The training on {weekday} is open to all, up to {count} seats.",
    "Returns are to be booked within {days} days, not later.",
];
/// Sentences of which a Chinese document is made.
pub(crate) const CHINESE_LINES: &[&str] = &[
    "{colleague}报告，发往{place}的{count}个托盘仍在等待。",
    "包装费用涨到每周{amount}元。",
    "盘点改到{weekday}{hour}点，没有人反对。",
    "{place}的仓库还要{days}天才能处理完积压。",
    "关于{other}的投诉减少了百分之{count}。",
    "{colleague}会写信给承运商，注明编号{code}。",
    "新的扫描器每小时读{code}张标签，旧的只有一半。",
    "抽查{count}个包裹，没有发现损坏。",
    "{place}的房东从春天起要多收{amount}元。",
    "{weekday}的培训对所有人开放，最多{count}个座位。",
    "退货必须在{days}天内登记。",
];

/// In English.
pub(crate) const ENGLISH: Scene = Scene {
    systems: &[
        "You summarise minutes for people who were not there. Keep names, numbers and dates.",
        "You answer questions about documents of {company}. Use only what the document says.",
    ],
    topics: &[
        Topic {
            asks: &[
                "Summarise these minutes for {colleague} in {count} words or fewer, file {code}:",
                "What was decided here? Short, please, for the board of {company} (paper {code}):",
            ],
            core: &[
                "The minutes with number {code} are mainly about stock, costs and dates.",
                "The {other} ships on {weekday}, and customers are told beforehand.",
                "{colleague} takes the matter in {place} further.",
            ],
        },
        Topic {
            asks: &[
                "Read the report below and tell me what {place} has to do by {weekday} (report {code}):",
                "Which open points does report {code} leave to {colleague}, and by when? Text:",
            ],
            core: &[
                "Report {code} leaves one point open for {place}.",
                "By {weekday}, {colleague} has to clear the backlog and book the returns.",
                "Everything else was settled at the meeting.",
            ],
        },
    ],
    follow_ups: &[Topic {
        asks: &[
            "Now make it {count} words, and put {colleague} first (version {code}).",
            "Who pays the {amount} EUR, according to the text? I file it under {code}.",
            "Write it as a note to {colleague} in {place}, dated {weekday}, sign it with {code}.",
        ],
        core: &[
            "Version {code}, for {colleague}: the goods go out as agreed, and customers are told beforehand.",
            "The text names nobody who pays the {amount} EUR.",
        ],
    }],
    openings: &["In short:", "Summary:", "From the text:", ""],
    more: &[
        "Costs are up, complaints are down.",
        "No decision was taken on the routes.",
        "The training stays open to all.",
        "The carrier will get a letter.",
        "The next stocktaking has a new date.",
        "A sample of parcels showed no damage.",
        "The landlord's wish was noted, not granted.",
        "Further details stand in the second half of the text.",
    ],
    closings: &["The text says no more on this.", ""],
};

/// In Chinese.
pub(crate) const CHINESE: Scene = Scene {
    systems: &["你为没有参加会议的人写摘要，保留姓名、数字和日期。"],
    topics: &[
        Topic {
            asks: &[
                "请用不超过{count}字为{colleague}总结这份纪要，文件{code}：",
                "这里决定了什么？请简短说明，给{company}的董事会（文件{code}）：",
            ],
            core: &[
                "编号{code}的纪要主要讲库存、费用和日期。",
                "{other}在{weekday}发出，并提前通知顾客。",
                "{place}的事由{colleague}继续跟进。",
            ],
        },
        Topic {
            asks: &["请读下面的报告，{place}在{weekday}之前要做什么（报告{code}）："],
            core: &["报告{code}给{place}留下一件事。", "{weekday}之前，{colleague}要清理积压并登记退货。"],
        },
    ],
    follow_ups: &[Topic {
        asks: &["请改成{count}字，先写{colleague}（版本{code}）。", "按原文，{amount}元由谁付？我归档在{code}。"],
        core: &["版本{code}，给{colleague}：货物按约定发出，并提前通知顾客。", "原文没有说明{amount}元由谁付。"],
    }],
    openings: &["简而言之：", "摘要：", "根据原文：", ""],
    more: &[
        "费用上升，投诉减少。",
        "路线没有做出决定。",
        "培训仍然对所有人开放。",
        "会给承运商写信。",
        "盘点有了新的日期。",
        "抽查没有发现损坏。",
    ],
    closings: &["原文没有更多说明。", ""],
};
