//! Word lists, in pairs of English and Chinese, and the facts that one conversation is about.

use super::Language;
use super::dice::Dice;

type Pair = (&'static str, &'static str);

const PEOPLE: &[Pair] = &[
    ("Anna Keller", "陈思远"),
    ("Marek Nowak", "李雨桐"),
    ("Priya Raman", "王建国"),
    ("Tom Ashby", "赵晓梅"),
    ("Lucia Ferri", "孙浩然"),
    ("Jonas Berg", "周文静"),
    ("Amina Diallo", "吴子涵"),
    ("Kenji Mori", "郑海燕"),
    ("Sofia Petrov", "冯立新"),
    ("Daniel Ortiz", "何佳怡"),
    ("Ruth Owens", "林志强"),
    ("Farid Haddad", "高若兰"),
];

const PRODUCTS: &[Pair] = &[
    ("espresso machine", "意式咖啡机"),
    ("desk lamp", "台灯"),
    ("rain jacket", "雨衣"),
    ("bicycle helmet", "自行车头盔"),
    ("water kettle", "电热水壶"),
    ("standing desk", "升降桌"),
    ("wireless keyboard", "无线键盘"),
    ("hiking backpack", "登山背包"),
    ("air purifier", "空气净化器"),
    ("noise-cancelling headset", "降噪耳机"),
    ("robot vacuum", "扫地机器人"),
    ("camping stove", "露营炉"),
    ("label printer", "标签打印机"),
    ("garden hose", "花园水管"),
    ("travel adapter", "旅行转换插头"),
    ("baby monitor", "婴儿监护器"),
];

const CITIES: &[Pair] = &[
    ("Hamburg", "上海"),
    ("Lyon", "成都"),
    ("Porto", "杭州"),
    ("Leeds", "武汉"),
    ("Turin", "西安"),
    ("Gdansk", "青岛"),
    ("Malmo", "厦门"),
    ("Ghent", "长沙"),
    ("Bilbao", "昆明"),
    ("Graz", "苏州"),
];

const COMPANIES: &[Pair] = &[
    ("Northwind Lamps", "北风灯具"),
    ("Harbour & Sons", "港湾商行"),
    ("Bluefield Logistics", "蓝田物流"),
    ("Oakline Furniture", "橡线家具"),
    ("Quarry Street Books", "石街书店"),
    ("Tern Mobile", "燕鸥通信"),
    ("Fernhill Foods", "蕨山食品"),
    ("Copper Kettle Tea", "铜壶茶业"),
];

const WEEKDAYS: &[Pair] = &[
    ("Monday", "星期一"),
    ("Tuesday", "星期二"),
    ("Wednesday", "星期三"),
    ("Thursday", "星期四"),
    ("Friday", "星期五"),
    ("Saturday", "星期六"),
];

const VERBS: &[&str] = &["merge", "sort", "filter", "count", "group", "parse", "check", "trim", "split", "load"];
const NOUNS: &[&str] =
    &["orders", "invoices", "readings", "tickets", "routes", "names", "prices", "events", "rows", "pages"];
const FIELDS: &[&str] = &["status", "country", "total", "created_at", "owner", "weight", "channel", "email"];

/// What one turn of one conversation is about: values for the places in the templates.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts(Vec<(&'static str, String, String)>);

impl Facts {
    /// Draws the facts that stay the same for a whole conversation.
    pub(crate) fn of_conversation(dice: &mut Dice) -> Self {
        let mut facts = Self::default();
        facts.pair("person", dice.pick(PEOPLE));
        facts.pair("company", dice.pick(COMPANIES));
        facts.pair("product", dice.pick(PRODUCTS));
        facts.pair("city", dice.pick(CITIES));
        facts.same("order", format!("{}-{}", dice.between(10, 99), dice.between(10_000, 99_999)));
        facts.same("func", format!("{}_{}", dice.pick(VERBS), dice.pick(NOUNS)));
        facts
    }

    /// The same facts with new ones for the next turn.
    pub(crate) fn next_turn(&self, dice: &mut Dice) -> Self {
        let mut facts = self.clone();
        facts.unlike("other", "product", PRODUCTS, dice);
        facts.unlike("place", "city", CITIES, dice);
        facts.unlike("colleague", "person", PEOPLE, dice);
        facts.pair("weekday", dice.pick(WEEKDAYS));
        facts.same("hour", dice.between(8, 19).to_string());
        facts.same("days", dice.between(2, 21).to_string());
        facts.same("count", dice.between(2, 60).to_string());
        facts.same("amount", format!("{}.{:02}", dice.between(6, 890), dice.below(20) * 5));
        facts.same("code", dice.between(1_000, 9_999).to_string());
        facts.same("field", dice.pick(FIELDS).to_owned());
        facts
    }

    fn same(&mut self, key: &'static str, value: String) {
        self.set(key, value.clone(), value);
    }

    fn pair(&mut self, key: &'static str, (english, chinese): Pair) {
        self.set(key, english.to_owned(), chinese.to_owned());
    }

    /// Draws `key` from a list so that it is not the same as `than`.
    fn unlike(&mut self, key: &'static str, than: &str, list: &[Pair], dice: &mut Dice) {
        let known = self.get(than, Language::English).unwrap_or_default().to_owned();
        let others: Vec<Pair> = list.iter().copied().filter(|(english, _)| *english != known).collect();
        self.pair(key, dice.pick(&others));
    }

    fn set(&mut self, key: &'static str, english: String, chinese: String) {
        self.0.retain(|(known, ..)| *known != key);
        self.0.push((key, english, chinese));
    }

    /// The value of a place in a template.
    pub(crate) fn get(&self, key: &str, language: Language) -> Option<&str> {
        self.0.iter().find(|(known, ..)| *known == key).map(|(_, english, chinese)| match language {
            Language::English => english.as_str(),
            Language::Chinese => chinese.as_str(),
        })
    }

    /// A template with its places `{...}` filled. A brace that opens no known place stays: code has braces, too.
    pub(crate) fn fill(&self, template: &str, language: Language) -> String {
        let mut text = String::with_capacity(template.len() + 32);
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            text.push_str(before);
            let value = after.split_once('}').and_then(|(key, tail)| Some((self.get(key, language)?, tail)));
            if let Some((value, tail)) = value {
                text.push_str(value);
                rest = tail;
            } else {
                text.push('{');
                rest = after;
            }
        }
        text.push_str(rest);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_places_are_filled_and_other_braces_stay() {
        let mut facts = Facts::default();
        facts.pair("city", ("Lyon", "成都"));
        facts.same("days", "3".into());
        let template = "{city} in {days}: {\"a\": {x}} {";
        assert_eq!(facts.fill(template, Language::English), "Lyon in 3: {\"a\": {x}} {");
        assert_eq!(facts.fill(template, Language::Chinese), "成都 in 3: {\"a\": {x}} {");
    }
}
