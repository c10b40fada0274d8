//! Small programming questions.

use super::{Scene, Topic};

/// Ends in a function that drops repeated rows.
const UNIQUE: &str = "```python\ndef {func}(rows, key=\"{field}\"):\n    seen = set()\n    kept = []\n    for row in rows:\n        if row[key] not in seen:\n            seen.add(row[key])\n            kept.append(row)\n    return kept[:{count}]\n```";
/// Groups rows by a column.
const GROUP: &str = "```python\nfrom collections import defaultdict\n\ndef {func}(rows):\n    groups = defaultdict(list)\n    for row in rows:\n        groups[row[\"{field}\"]].append(row)\n    return dict(groups)\n```";
/// Tries again a few times.
const RETRY: &str = "```python\nimport time\n\ndef {func}(call, tries={count}, wait={days}):\n    for attempt in range(tries):\n        try:\n            return call()\n        except OSError:\n            if attempt + 1 == tries:\n                raise\n            time.sleep(wait)\n```";
/// Finds rows over a limit.
const SELECT: &str = "```sql\nSELECT {field}, COUNT(*) AS hits\nFROM {func}\nWHERE amount > {amount}\nGROUP BY {field}\nHAVING COUNT(*) >= {count}\nORDER BY hits DESC;\n```";
/// Splits a list in parts.
const PARTS: &str = "```python\ndef {func}(items, size={count}):\n    for start in range(0, len(items), size):\n        yield items[start:start + size]\n```";
/// A test.
const TEST: &str = "```python\ndef test_{func}_{code}():\n    rows = [{\"{field}\": 1}, {\"{field}\": 1}, {\"{field}\": 2}]\n    assert len({func}(rows)) == 2\n```";

/// In English.
pub(crate) const ENGLISH: Scene = Scene {
    systems: &[
        "You are a careful programmer. Show code first, then explain it in a few sentences.",
        "You answer programming questions of colleagues at {company}. Use the standard library unless asked otherwise.",
    ],
    topics: &[
        Topic {
            asks: &[
                "Write a Python function {func} that keeps the first row for every {field} and returns at most {count} of them.",
                "I need {func} in Python: no two rows with the same {field}, order kept, limit {count}, case {code}.",
            ],
            core: &[UNIQUE, "The set holds every {field} that was seen, so each row is looked at once."],
        },
        Topic {
            asks: &[
                "How do I group a list of dictionaries by \"{field}\" in Python? Call it {func}; there are about {code} rows.",
                "Please write {func}: rows in, a dictionary from {field} to its rows out. Our file has {count} columns and {code} lines.",
            ],
            core: &[GROUP, "A missing {field} raises KeyError, which is what you want when the file is wrong."],
        },
        Topic {
            asks: &[
                "My call fails about {count} times in {code}. Write {func} that tries again after {days} seconds.",
                "Retry helper in Python, please: {func}, {count} tries, {days} seconds apart, only for OSError. Ticket {code}.",
            ],
            core: &[RETRY, "Only OSError is caught, so a mistake in your own code is not hidden."],
        },
        Topic {
            asks: &[
                "SQL: from the table {func}, which {field} has {count} or more rows with an amount over {amount}?",
                "Query for {func}, please: count by {field}, amount above {amount}, at least {count} hits, most frequent first.",
            ],
            core: &[SELECT, "HAVING filters after grouping, WHERE before it; that is why the two limits stand apart."],
        },
        Topic {
            asks: &[
                "Split a list of {code} items into parts of {count} in Python, as a generator named {func}.",
                "What is the shortest readable way to send {code} {field} values in batches of {count}? Name it {func}.",
            ],
            core: &[PARTS, "The last part is shorter when {count} does not divide the length."],
        },
        Topic {
            asks: &[
                "{func} raises KeyError: '{field}' on line {code}, but only for files from {city}. What should I look at?",
                "Why would {func} get slower after {count} runs? Line {code} appends to a list called {field}.",
            ],
            core: &[
                "Line {code} is where it shows, not where it starts.",
                "Print the keys of the first row that fails and compare them with a row that works.",
                "Often {field} has a blank at its end, or the header has another spelling.",
            ],
        },
    ],
    follow_ups: &[
        Topic {
            asks: &[
                "Now a test for {func}, with {field} as the key, named after ticket {code}.",
                "Can you show a unit test for that, three rows, column {field}, number {code}?",
            ],
            core: &[TEST, "Run it with pytest; it fails if the second row is kept."],
        },
        Topic {
            asks: &[
                "What changes if the input has {code} thousand rows and only {count} MB of memory?",
                "Does {func} still work when {field} is None in {count} of {code} rows?",
            ],
            core: &[
                "Read the rows one by one and never keep the whole list.",
                "With {count} as the limit the memory stays flat, whatever the number of rows.",
            ],
        },
        Topic {
            asks: &[
                "Rename the parameter to {field}_name and make {count} the default, please (review note {code}).",
                "The reviewer {colleague} wants a sentence on why {count} is the limit in {func}, note {code}.",
            ],
            core: &[
                "Change the signature only; callers that pass it by position are not touched.",
                "Note {code} is answered by one line above the constant: {count} is what the service takes at once.",
            ],
        },
    ],
    openings: &["Here is one way to do it.", "Sure.", "This does what you describe:", "Short answer first.", ""],
    more: &[
        "It runs in linear time.",
        "Add type hints if your project checks them.",
        "No package beyond the standard library is needed.",
        "Keep the function pure; then it is easy to test.",
        "If the order does not matter, a dictionary comprehension is shorter still.",
        "Mind that an empty input gives an empty result, not an error.",
        "For very large inputs, work on a stream instead of a list.",
        "I would give the limit a name rather than leave a bare number.",
        "The same idea carries over to other languages.",
    ],
    closings: &["Tell me if the input looks different.", "Shall I add a test?", ""],
};

/// In Chinese.
pub(crate) const CHINESE: Scene = Scene {
    systems: &["你是一位细心的程序员。先给代码，再用几句话解释。", "你为{company}的同事解答编程问题，优先使用标准库。"],
    topics: &[
        Topic {
            asks: &[
                "用 Python 写一个函数 {func}，每个 {field} 只保留第一行，最多返回 {count} 行。",
                "需要 Python 的 {func}：{field} 不重复，保持顺序，上限 {count}，编号 {code}。",
            ],
            core: &[UNIQUE, "集合里保存出现过的 {field}，每一行只看一次。"],
        },
        Topic {
            asks: &[
                "Python 里怎么按 \"{field}\" 给字典列表分组？函数叫 {func}，大约 {code} 行。",
                "请写 {func}：输入是行，输出是 {field} 到行的字典。文件有 {count} 列 {code} 行。",
            ],
            core: &[GROUP, "缺少 {field} 时会抛出 KeyError，文件有错时正好能发现。"],
        },
        Topic {
            asks: &[
                "我的调用每 {code} 次失败 {count} 次，写一个 {func}，隔 {days} 秒再试。",
                "请写 Python 重试函数 {func}，试 {count} 次，间隔 {days} 秒，只处理 OSError，工单 {code}。",
            ],
            core: &[RETRY, "只捕获 OSError，不会掩盖自己代码里的错误。"],
        },
        Topic {
            asks: &[
                "SQL：表 {func} 里，哪些 {field} 有至少 {count} 行金额超过 {amount}？",
                "请写查询 {func}：按 {field} 计数，金额大于 {amount}，至少 {count} 次，从多到少。",
            ],
            core: &[SELECT, "WHERE 在分组前过滤，HAVING 在分组后过滤，所以两个条件分开写。"],
        },
    ],
    follow_ups: &[
        Topic {
            asks: &[
                "再给 {func} 写一个测试，用 {field} 作键，以工单 {code} 命名。",
                "能给一个单元测试吗？三行数据，列 {field}，编号 {code}。",
            ],
            core: &[TEST, "用 pytest 运行，如果保留了第二行就会失败。"],
        },
        Topic {
            asks: &[
                "如果输入有 {code} 千行，内存只有 {count} MB，要怎么改？",
                "{code} 行里有 {count} 行的 {field} 是 None，{func} 还能用吗？",
            ],
            core: &["逐行读取，不要保存整个列表。", "上限是 {count}，所以无论多少行，内存都不会增长。"],
        },
    ],
    openings: &["可以这样写。", "好的。", "下面的代码符合要求：", ""],
    more: &[
        "时间复杂度是线性的。",
        "不需要标准库以外的包。",
        "保持函数没有副作用，测试起来更容易。",
        "空输入得到空结果，不会报错。",
        "数据很大时请用流式处理。",
        "建议给上限起一个名字，而不是直接写数字。",
        "同样的思路可以用在其他语言里。",
    ],
    closings: &["输入格式不同的话请告诉我。", "需要我加上测试吗？", ""],
};
