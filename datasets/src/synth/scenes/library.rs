//! Blocks of which long documents are made. `{number}` is the running number of a block.

/// The blocks of one document in both languages.
#[derive(Debug)]
pub(crate) struct Shelf {
    /// Least number of lines.
    pub(crate) lines: usize,
    /// Blocks in English.
    pub(crate) english: &'static [&'static str],
    /// Blocks in Chinese.
    pub(crate) chinese: &'static [&'static str],
}

/// What the support desk works by.
pub(crate) const HANDBOOK: Shelf = Shelf {
    lines: 420,
    english: &[
        "## {number} Late parcels\nA parcel is late when the carrier shows no scan for {days} days. Open a trace under number {code} and tell the customer the same day.\nAfter {count} days without a scan the parcel counts as lost.",
        "## {number} Returns of the {product}\nThe {product} comes back within {count} days, in its box if there is one. The depot in {place} books it in on the next {weekday}.\nMoney goes back the way it came, {amount} EUR at most without a second signature.",
        "## {number} Wrong article\nIf a {other} was sent instead of a {product}, the customer keeps it until the driver comes. Nobody pays twice.\nAsk {colleague} when more than {count} orders are affected.",
        "## {number} Guarantee\nThe {other} has a guarantee of {count} months. Code {code} on its display means a fault at the start and is covered.\nDamage by water is not covered, but the repair may be offered for {amount} EUR.",
        "## {number} Deliveries to {place}\nThe van to {place} leaves on {weekday} at {hour}:00. What is packed after that waits for the next one.\nBulky goods such as the {product} need a second person and {days} days' notice.",
        "## {number} Invoices\nInvoices over {amount} EUR go out on paper on request. A correction cancels the old one, with a note that quotes {code}.\nNever change the name of the buyer without an order of {colleague}.",
        "## {number} Vouchers\nA voucher is valid for {count} months and may be split. Below {amount} EUR it is sent by mail, above by letter.\nVouchers of {company} are not taken.",
    ],
    chinese: &[
        "## {number} 包裹延误\n承运商{days}天没有扫描记录即为延误，用编号{code}提交查件，并在当天告知顾客。\n{count}天没有记录按丢失处理。",
        "## {number} {product}退货\n{product}在{count}天内可以退回，有原包装的请保留。{place}仓库在{weekday}登记入库。\n退款按原方式退回，超过{amount}元需要第二人签字。",
        "## {number} 发错商品\n把{other}当成{product}发出时，由快递员上门取回，顾客不再付款。\n超过{count}个订单时请联系{colleague}。",
        "## {number} 保修\n{other}保修{count}个月，显示代码{code}表示启动故障，属于保修范围。\n进水不在保修内，可以按{amount}元维修。",
        "## {number} 发往{place}\n去{place}的车{weekday}{hour}点出发，之后打包的等下一班。\n{product}一类的大件需要两个人，提前{days}天通知。",
        "## {number} 发票\n{amount}元以上可以寄纸质发票，更正时作废旧票，并注明{code}。\n没有{colleague}的同意不得更改抬头。",
    ],
};

/// Minutes of meetings.
pub(crate) const MINUTES: Shelf = Shelf {
    lines: 420,
    english: &[
        "Meeting {number}, {weekday}, {hour}:00. Present: {person}, {colleague} and {count} others.\n{colleague} reported that {count} pallets for {place} were still waiting.\nThe depot needs {days} more days to clear the backlog; {person} books the returns.",
        "Item {number}: costs. Packaging rose to {amount} EUR a week.\nThe landlord in {place} wants {amount} EUR more from spring; nobody agreed to it.",
        "Item {number}: the {other}. Complaints fell by {count} percent, and a sample of {code} parcels showed no damage.\nIt ships on {weekday}; customers are told beforehand.",
        "Item {number}: staff. The training on {weekday} is open to all, up to {count} seats.\nTwo drivers asked for another route through {place}; {colleague} will look at it within {days} days.",
        "Item {number}: open points. {colleague} writes to the carrier and quotes {code}.\nThe stocktaking moves to {weekday} at {hour}:00.",
    ],
    chinese: &[
        "第{number}次会议，{weekday}{hour}点，出席：{person}、{colleague}等{count}人。\n{colleague}报告，发往{place}的{count}个托盘仍在等待。\n仓库还要{days}天，退货由{person}登记。",
        "第{number}项：费用。包装涨到每周{amount}元。\n{place}的房东从春天起要多收{amount}元，没有人同意。",
        "第{number}项：{other}。投诉减少了百分之{count}，抽查{code}个包裹没有损坏。\n{weekday}发出，提前通知顾客。",
        "第{number}项：人员。{weekday}的培训最多{count}个座位。\n{colleague}在{days}天内研究经过{place}的新路线。",
        "第{number}项：待办。{colleague}给承运商写信，注明{code}。\n盘点改到{weekday}{hour}点。",
    ],
};

/// A source file that grew over years.
pub(crate) const SOURCE: Shelf = Shelf {
    lines: 720,
    english: &[
        "def {func}_{number}(rows, limit={count}):\n    \"\"\"Rows with a {field}, at most `limit` of them.\"\"\"\n    kept = [row for row in rows if row.get(\"{field}\")]\n    kept.sort(key=lambda row: row[\"{field}\"])\n    return kept[:limit]\n",
        "def {func}_{number}(path, retries={days}):\n    # Case {code}: the share in the other building is slow.\n    for attempt in range(retries):\n        try:\n            with open(path, encoding=\"utf-8\") as file:\n                return json.load(file)\n        except OSError:\n            time.sleep(attempt * {hour})\n    raise TimeoutError(path)\n",
        "class Batch{number}:\n    \"\"\"Collects {field} values and writes them in parts of {count}.\"\"\"\n\n    def __init__(self, sink):\n        self.sink = sink\n        self.waiting = []\n\n    def add(self, value):\n        self.waiting.append(value)\n        if len(self.waiting) >= {count}:\n            self.flush()\n\n    def flush(self):\n        self.sink.write(self.waiting)\n        self.waiting = []\n",
        "def {func}_{number}(orders):\n    total = 0\n    for order in orders:\n        if order[\"{field}\"] is None:\n            continue\n        total += round(order[\"amount\"] * {amount}, 2)\n    return total\n",
        "def test_{func}_{number}():\n    rows = [{\"{field}\": {count}}, {\"{field}\": None}, {\"{field}\": {code}}]\n    assert len({func}(rows)) == 2\n",
    ],
    chinese: &[
        "def {func}_{number}(rows, limit={count}):\n    \"\"\"返回有{field}的行，最多limit行。\"\"\"\n    kept = [row for row in rows if row.get(\"{field}\")]\n    kept.sort(key=lambda row: row[\"{field}\"])\n    return kept[:limit]\n",
        "def {func}_{number}(path, retries={days}):\n    # 编号{code}：另一栋楼的共享盘很慢，需要重试。\n    for attempt in range(retries):\n        try:\n            with open(path, encoding=\"utf-8\") as file:\n                return json.load(file)\n        except OSError:\n            time.sleep(attempt * {hour})\n    raise TimeoutError(path)\n",
        "class Batch{number}:\n    \"\"\"收集{field}，每{count}个写一次，供{company}使用。\"\"\"\n\n    def __init__(self, sink):\n        self.sink = sink\n        self.waiting = []\n\n    def add(self, value):\n        self.waiting.append(value)\n        if len(self.waiting) >= {count}:\n            self.flush()\n",
        "def {func}_{number}(orders):\n    # {colleague}：空的{field}不计入总额。\n    total = 0\n    for order in orders:\n        if order[\"{field}\"] is None:\n            continue\n        total += round(order[\"amount\"] * {amount}, 2)\n    return total\n",
    ],
};
