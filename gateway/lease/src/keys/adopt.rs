//! Lists of keys that clients have, as people have them: `consumer,key-or-hash[,sunset]` a line, or JSON.
//!
//! Values are hashed as they are read. A mistake names its line and never what stands there.

use super::change::Old;
use super::digest::Digest;
use super::instant::Instant;
use super::name::{is_name, rule};
use serde::Deserialize;

/// Most bytes of a list.
pub const READING_MAX: usize = 64 * 1024 * 1024;
/// Most mistakes that are named.
const MISTAKES_MAX: usize = 20;

/// How 64 hexadecimal digits are to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reading {
    /// As a hash; everything else is a key. `key:` or `sha256:` in front decides for one line.
    #[default]
    Guess,
    /// Everything is a key.
    Keys,
    /// Everything is a hash.
    Hashes,
}

/// Why a list is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", mistakes.join("; "))]
pub struct AdoptError {
    /// Sentences; each begins with its line.
    pub mistakes: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Item {
    #[serde(default)]
    consumer: Option<String>,
    #[serde(default)]
    key: Option<String>,
    #[serde(default, alias = "hash", alias = "token")]
    sha256: Option<String>,
    #[serde(default, alias = "sunset")]
    sunset_at: Option<String>,
    #[serde(default)]
    note: Option<String>,
}

/// Reads a list: lines of `consumer,key-or-hash[,sunset[,note]]` as CSV, with a head line or not; or JSON objects with
/// `consumer`, `key` or `sha256` (also `hash`, or `token` as in LiteLLM's table), `sunset_at` and `note`, in an array or one
/// a line. With `consumer` given, the column may be missing everywhere. A sunset is an instant, a day, or a time from now.
///
/// # Errors
/// Anything is wrong anywhere; nothing is taken then.
pub fn read_list(text: &str, consumer: Option<&str>, reading: Reading, now_us: i64) -> Result<Vec<Old>, AdoptError> {
    let mut list = List { consumer, reading, now_us, keys: Vec::new(), mistakes: Vec::new() };
    let text = text.trim_start_matches('\u{feff}');
    match text.trim_start().bytes().next() {
        _ if text.len() > READING_MAX => list.mistakes.push(format!("the list has more than {READING_MAX} bytes")),
        None => list.mistakes.push("the list is empty".to_owned()),
        Some(b'[') => list.json_array(text),
        Some(b'{') => list.json_lines(text),
        Some(_) => list.lines(text),
    }
    if list.mistakes.is_empty() && list.keys.is_empty() {
        list.mistakes.push("the list has no key".to_owned());
    }
    if list.mistakes.is_empty() { Ok(list.keys) } else { Err(AdoptError { mistakes: list.mistakes }) }
}

struct List<'a> {
    consumer: Option<&'a str>,
    reading: Reading,
    now_us: i64,
    keys: Vec<Old>,
    mistakes: Vec<String>,
}

impl List<'_> {
    fn json_array(&mut self, text: &str) {
        match serde_json::from_str::<Vec<Item>>(text) {
            Ok(items) => items.into_iter().enumerate().for_each(|(place, item)| {
                self.item(&format!("entry {}", place + 1), item);
            }),
            Err(error) => self.say(&format!("line {}", error.line()), EXPECTED_OBJECT),
        }
    }

    fn json_lines(&mut self, text: &str) {
        for (place, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let at = format!("line {}", place + 1);
            match serde_json::from_str::<Item>(line) {
                Ok(item) => self.item(&at, item),
                Err(_) => self.say(&at, EXPECTED_OBJECT),
            }
        }
    }

    fn lines(&mut self, text: &str) {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(csv::Trim::All)
            .comment(Some(b'#'))
            .from_reader(text.as_bytes());
        let mut first = true;
        for record in reader.records() {
            let Ok(record) = record else {
                self.say("the list", "it is no CSV");
                return;
            };
            let at = format!("line {}", record.position().map_or(0, csv::Position::line));
            let mut fields = record.iter();
            let is_head = std::mem::take(&mut first) && record.iter().any(|field| HEAD.contains(&field));
            if is_head {
                continue;
            }
            // Without the column, the key stands first.
            let named = self.consumer.is_none() || (record.len() > 1 && self.consumer == record.get(0));
            let name = named.then(|| fields.next().unwrap_or_default().to_owned());
            let text = |field: Option<&str>| field.filter(|text| !text.is_empty()).map(str::to_owned);
            let (key, sunset_at, note) = (text(fields.next()), text(fields.next()), text(fields.next()));
            if fields.next().is_some() {
                self.say(&at, "expected consumer,key-or-hash[,sunset[,note]]");
                continue;
            }
            self.item(&at, Item { consumer: name, key, sha256: None, sunset_at, note });
        }
    }

    fn item(&mut self, at: &str, item: Item) {
        let consumer = item.consumer.as_deref().or(self.consumer).unwrap_or_default();
        if !is_name(consumer) {
            return self.say(at, &format!("expected a consumer: {}", rule()));
        }
        let digest = match (item.key.as_deref(), item.sha256.as_deref()) {
            (Some(key), None) => self.digest(key),
            (None, Some(hash)) => Digest::from_hex(hash).ok_or("expected a SHA-256 as 64 hexadecimal digits"),
            _ => Err("expected a consumer, and a key or its SHA-256"),
        };
        let sunset_at = match item.sunset_at.as_deref().map(|text| Instant::parse(text, self.now_us)) {
            Some(None) => Err("expected a sunset such as 2026-12-31, 2026-12-31T18:00:00Z or 30d"),
            Some(sunset) => Ok(sunset),
            None => Ok(None),
        };
        match (digest, sunset_at) {
            (Ok(sha256), Ok(sunset_at)) => {
                let (consumer, note) = (consumer.to_owned(), item.note.unwrap_or_default());
                self.keys.push(Old { consumer, sha256, sunset_at, note });
            }
            (Err(what), _) | (_, Err(what)) => self.say(at, what),
        }
    }

    fn digest(&self, text: &str) -> Result<Digest, &'static str> {
        let hash = |text| Digest::from_hex(text).ok_or("expected a SHA-256 as 64 hexadecimal digits");
        let key = |text: &str| {
            let sendable = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
            if sendable { Ok(Digest::of(text)) } else { Err("expected a key: characters that a header may carry") }
        };
        match (self.reading, text.strip_prefix("key:"), text.strip_prefix("sha256:")) {
            (_, Some(value), _) => key(value),
            (_, _, Some(value)) => hash(value),
            (Reading::Hashes, ..) => hash(text),
            (Reading::Guess, ..) if Digest::from_hex(text).is_some() => hash(text),
            _ => key(text),
        }
    }

    fn say(&mut self, at: &str, what: &str) {
        match self.mistakes.len() {
            MISTAKES_MAX => self.mistakes.push("and more".to_owned()),
            length if length < MISTAKES_MAX => self.mistakes.push(format!("{at}: {what}")),
            _ => {}
        }
    }
}

const EXPECTED_OBJECT: &str =
    "expected an object with `consumer`, `key` or `sha256`, and perhaps `sunset_at` and `note`";
/// Words that stand in a head line and are nobody's key.
const HEAD: [&str; 8] = ["consumer", "key", "sha256", "hash", "token", "key-or-hash", "sunset", "sunset_at"];

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn read(text: &str) -> Result<Vec<Old>, String> {
        read_list(text, None, Reading::Guess, 0).map_err(|error| error.to_string())
    }

    fn old(consumer: &str, key: &str, sunset: Option<&str>) -> Old {
        let sunset_at = sunset.map(|text| Instant::parse(text, 0).unwrap());
        Old { consumer: consumer.to_owned(), sha256: Digest::of(key), sunset_at, note: String::new() }
    }

    #[test]
    fn lines_name_consumer_key_or_hash_and_sunset() {
        let text = format!(
            "consumer,key,sunset\n# from the old gateway\nteam-a, sk-one ,2026-12-31\n\nteam-a,{HEX},\n\
             b,key:{HEX}\nb,\"sk,comma\",30d\r\n"
        );
        let expected = [
            old("team-a", "sk-one", Some("2026-12-31")),
            old("team-a", "abc", None),
            old("b", HEX, None),
            old("b", "sk,comma", Some("30d")),
        ];
        assert_eq!(read(&text).unwrap(), expected);
        assert_eq!(read_list(HEX, Some("a"), Reading::Keys, 0).unwrap(), [old("a", HEX, None)]);
        assert_eq!(
            read_list("sk-one\na,sk-two\nsk-three,2026-12-31", Some("a"), Reading::Guess, 0).unwrap(),
            [old("a", "sk-one", None), old("a", "sk-two", None), old("a", "sk-three", Some("2026-12-31"))]
        );
    }

    #[test]
    fn json_comes_as_an_array_or_one_object_a_line() {
        let array = format!(
            "[{{\"consumer\": \"a\", \"key\": \"sk-one\", \"sunset\": \"2026-12-31\"}},\n{{\"consumer\": \"b\", \"token\": \"{HEX}\"}}]"
        );
        let expected = [old("a", "sk-one", Some("2026-12-31")), old("b", "abc", None)];
        assert_eq!(read(&array).unwrap(), expected);
        let lines = "{\"consumer\": \"a\", \"key\": \"sk-one\", \"sunset_at\": \"2026-12-31\"}\n\n{\"consumer\": \"b\", \"key\": \"abc\"}";
        assert_eq!(read(lines).unwrap(), expected);
    }

    #[test]
    fn a_mistake_names_its_line_and_keeps_the_key_to_itself() {
        for (text, part) in [
            ("", "empty"),
            ("# nothing\n", "no key"),
            ("a,sk-secret\nb c,sk-secret", "line 2: expected a consumer"),
            ("a,", "line 1: expected a consumer, and a key"),
            ("a,sk secret", "line 1: expected a key"),
            ("a,sha256:secret", "line 1: expected a SHA-256"),
            ("a,sk-secret,soon", "line 1: expected a sunset"),
            ("a,sk-secret,,,secret", "line 1: expected consumer,key-or-hash"),
            ("sk-secret", "line 1: expected a consumer"),
            ("[{\"consumer\": \"a\",\n\"kay\": \"sk-secret\"}]", "line 2: expected an object"),
            ("{\"consumer\": \"a\"}", "line 1: expected a consumer, and a key"),
            ("{\"consumer\": \"a\", \"sha256\": \"sk-secret\"}", "line 1: expected a SHA-256"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(part) && !error.contains("secret"), "{part} is not in {error}");
        }
        let many = "a,\n".repeat(100);
        assert_eq!(read(&many).unwrap_err().split("; ").count(), 21);
    }
}
