//! What a row of each dialect means.

use super::super::calls;
use super::super::entry::{Content, Entry, Identity, Lengths, Place};
use super::super::made::Made;
use super::super::number::{decimal, micros, tokens};
use super::super::row::Row;
use super::super::{ImportError, ImportOptions};
use crate::digest;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::{HashMap, VecDeque};

/// Chats or sessions whose past is remembered; beyond it the oldest is forgotten.
pub(super) const CHATS_MAX: usize = 256 * 1024;
/// Requests within requests, in traces of agents.
const DEPTH_MAX: u32 = 8;
/// Requests of one session that stands in one row; all of them are kept until they are read.
const REQUESTS_MAX: usize = 100_000;

/// Tokens of a block where the row does not say.
const MOONCAKE_BLOCK: u64 = 512;
const BAILIAN_BLOCK: u64 = 16;
const WEKA_BLOCK: u64 = 64;

/// Turns rows into requests.
pub(super) struct Shaper {
    options: ImportOptions,
    /// First ancestor of each chat.
    roots: Remembered<String>,
    /// When the last turn of each session was.
    turns: Remembered<i64>,
}

/// What the requests of one row share.
struct Around {
    block_tokens: u64,
    /// Keeps the hashes of one session apart from those of others; 0 where they mean the same everywhere.
    scope: u64,
    session: Option<String>,
}

impl Shaper {
    pub(super) fn new(options: &ImportOptions) -> Self {
        Self { options: options.clone(), roots: Remembered::default(), turns: Remembered::default() }
    }

    /// The requests of a row, in order.
    ///
    /// # Errors
    /// It has neither text nor sizes, or something else than what must be there.
    pub(super) fn entries(&mut self, row: &Row<'_>) -> Result<VecDeque<Entry>, ImportError> {
        if let Some(payloads) = row.get("payloads") {
            return payload_entries(row, payloads, &self.options);
        }
        let mut entries = VecDeque::new();
        match row.get("requests") {
            Some(requests) => {
                let session = row.name("id", &self.options)?;
                let local = row.text("hash_id_scope")?.as_deref() == Some("local");
                let scope = session.as_deref().filter(|_| local).map_or(0, |id| digest::short(id.as_bytes()) | 1);
                let block_tokens = row.count("block_size")?.unwrap_or(WEKA_BLOCK);
                nested(&Around { block_tokens, scope, session }, requests, &row.place, 0, &mut entries)?;
            }
            None => entries.push_back(self.single(row)?),
        }
        Ok(entries)
    }

    fn single(&mut self, row: &Row<'_>) -> Result<Entry, ImportError> {
        let chat = row.name("chat_id", &self.options)?;
        let session = match &chat {
            Some(chat) => Some(self.root(chat, row.name("parent_chat_id", &self.options)?)),
            None => row.name("session_id", &self.options)?,
        };
        let at_us = self.instant(row, chat.is_some(), session.as_deref())?;
        let content = self.content(row, chat.is_some())?;
        let weka = if row.has("in") { row.text("id")? } else { None };
        Ok(Entry {
            id: chat.or(weka),
            at_us,
            session: session.map(Identity::Name),
            ..Entry::new(row.place.clone(), content)
        })
    }

    /// The first chat of a chain.
    fn root(&mut self, chat: &str, parent: Option<String>) -> String {
        let parent = parent.filter(|parent| parent != "-1");
        let root = parent.map_or_else(|| chat.to_owned(), |parent| self.roots.get(&parent).cloned().unwrap_or(parent));
        self.roots.insert(chat, root.clone());
        root
    }

    fn instant(&mut self, row: &Row<'_>, seconds: bool, session: Option<&str>) -> Result<Option<i64>, ImportError> {
        let read = |name: &str, unit_us: f64| -> Result<Option<i64>, ImportError> {
            let Some(text) = row.text(name)? else { return Ok(None) };
            let found = decimal(&text).and_then(|number| i64::try_from(micros(number, unit_us)?).ok());
            found.map(Some).ok_or_else(|| row.wrong(name, "a time since the beginning of the trace"))
        };
        let at_us = match read("timestamp", if seconds { 1e6 } else { 1e3 })? {
            Some(at_us) => Some(at_us),
            None => read("t", 1e6)?,
        };
        let before = session.and_then(|session| self.turns.get(session)).copied();
        let at_us = match (at_us, before) {
            (None, Some(before)) => read("delay", 1e3)?.map(|delay| before.saturating_add(delay)),
            (at_us, _) => at_us,
        };
        if let (Some(session), Some(at_us)) = (session, at_us) {
            self.turns.insert(session, at_us);
        }
        Ok(at_us)
    }

    fn content(&self, row: &Row<'_>, bailian: bool) -> Result<Content, ImportError> {
        let output_tokens = ["output_length", "out"].into_iter().find(|name| row.has(name));
        let output_tokens = output_tokens.map(|name| tokens(&row.place, name, row.count(name)?)).transpose()?;
        if let Some(payload) = row.json("payload")? {
            return Ok(Content::Body(body(&row.place, "payload", payload)?));
        }
        let messages = match row.value("messages")? {
            Some(messages) => {
                Some(calls::messages(messages).ok_or_else(|| row.wrong("messages", "a list of messages"))?)
            }
            None => match row.text("text_input")? {
                Some(text) => calls::messages(Value::String(text)),
                None => row.text("input_text")?.and_then(|text| calls::messages(Value::String(text))),
            },
        };
        if let Some(messages) = messages {
            let made = Made { messages, tools: row.value("tools")?, output_tokens, model: None };
            return Ok(Content::Body(made.body(&row.place, &self.options)?));
        }
        let (size, block) = match row.has("in") {
            true => ("in", WEKA_BLOCK),
            false if bailian => ("input_length", BAILIAN_BLOCK),
            false => ("input_length", MOONCAKE_BLOCK),
        };
        Ok(Content::Lengths(Lengths {
            prompt_tokens: tokens(&row.place, size, row.count(size)?)?,
            completion_tokens: output_tokens,
            prefix_blocks: hashes(row.value("hash_ids")?.as_ref(), 0)
                .ok_or_else(|| row.wrong("hash_ids", "a list of numbers"))?,
            block_tokens: row.count("block_size")?.unwrap_or(block),
            model: row.text("model")?,
        }))
    }
}

/// The bodies of a session in AIPerf's inputs file.
fn payload_entries(
    row: &Row<'_>,
    payloads: &RawValue,
    options: &ImportOptions,
) -> Result<VecDeque<Entry>, ImportError> {
    let payloads: Vec<&RawValue> =
        serde_json::from_str(payloads.get()).map_err(|_| row.wrong("payloads", "a list of bodies"))?;
    if payloads.len() > REQUESTS_MAX {
        return Err(too_many(&row.place));
    }
    let session = row.name("session_id", options)?;
    let entry = |payload: &RawValue| {
        let content = Content::Body(body(&row.place, "payloads", payload.get().to_owned())?);
        Ok(Entry { session: session.clone().map(Identity::Name), ..Entry::new(row.place.clone(), content) })
    };
    payloads.into_iter().map(entry).collect()
}

fn too_many(place: &Place) -> ImportError {
    place.wrong(format!("the session has more than {REQUESTS_MAX} requests; split it"))
}

fn body(place: &Place, member: &str, text: String) -> Result<Box<RawValue>, ImportError> {
    let wrong = || place.wrong(format!("`{member}` has something else than the body of a call, expected an object"));
    if !text.trim_start().starts_with('{') {
        return Err(wrong());
    }
    RawValue::from_string(text).map_err(|_| wrong())
}

/// The requests of a session, those of its helpers among them.
fn nested(
    around: &Around,
    requests: &RawValue,
    place: &Place,
    depth: u32,
    entries: &mut VecDeque<Entry>,
) -> Result<(), ImportError> {
    if depth > DEPTH_MAX {
        return Err(place.wrong(format!("`requests` are nested deeper than {DEPTH_MAX}")));
    }
    let requests: Vec<&RawValue> = serde_json::from_str(requests.get())
        .map_err(|_| place.wrong("`requests` is something else, expected a list of requests"))?;
    for request in requests {
        if entries.len() >= REQUESTS_MAX {
            return Err(too_many(place));
        }
        let row = Row::parse(place.clone(), request.get().as_bytes())?;
        if let Some(inner) = row.get("requests") {
            nested(around, inner, place, depth + 1, entries)?;
            continue;
        }
        let time = row.text("t")?.and_then(|text| decimal(&text)).and_then(|seconds| micros(seconds, 1e6));
        let at_us = time.and_then(|micros| i64::try_from(micros).ok()).ok_or_else(|| row.wrong("t", "seconds"))?;
        let lengths = Lengths {
            prompt_tokens: tokens(place, "in", row.count("in")?)?,
            completion_tokens: row.count("out")?.map(|out| tokens(place, "out", Some(out))).transpose()?,
            prefix_blocks: hashes(row.value("hash_ids")?.as_ref(), around.scope)
                .ok_or_else(|| row.wrong("hash_ids", "a list of numbers"))?,
            block_tokens: around.block_tokens,
            model: row.text("model")?,
        };
        entries.push_back(Entry {
            at_us: Some(at_us),
            session: around.session.clone().map(Identity::Name),
            ..Entry::new(place.clone(), Content::Lengths(lengths))
        });
    }
    // Helpers stand behind the request that called them, not where their own requests were.
    entries.make_contiguous().sort_by_key(|entry| entry.at_us);
    Ok(())
}

/// Hashes of blocks. Whatever is no number is hashed itself.
fn hashes(value: Option<&Value>, scope: u64) -> Option<Vec<u64>> {
    let Some(value) = value else { return Some(Vec::new()) };
    let list = value.as_array()?.iter().map(|value| match value {
        Value::Number(number) => {
            let whole = number.as_u64().or_else(|| number.as_i64().map(i64::cast_unsigned));
            Some(whole.unwrap_or_else(|| digest::short(number.to_string().as_bytes())))
        }
        Value::String(text) => Some(digest::short(text.as_bytes())),
        _ => None,
    });
    let scoped = |hash: u64| if scope == 0 { hash } else { hash.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ scope };
    list.map(|hash| hash.map(scoped)).collect()
}

/// What is remembered of the last [`CHATS_MAX`] names.
struct Remembered<V> {
    values: HashMap<String, V>,
    order: VecDeque<String>,
}

impl<V> Default for Remembered<V> {
    fn default() -> Self {
        Self { values: HashMap::new(), order: VecDeque::new() }
    }
}

impl<V> Remembered<V> {
    fn get(&self, name: &str) -> Option<&V> {
        self.values.get(name)
    }

    fn insert(&mut self, name: &str, value: V) {
        if self.values.insert(name.to_owned(), value).is_some() {
            return;
        }
        self.order.push_back(name.to_owned());
        if self.order.len() > CHATS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.values.remove(&oldest);
        }
    }
}
