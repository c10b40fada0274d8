//! A response told event by event: every event has its name on a line of its own and a running number; there is no end
//! mark behind the last one.

use serde_json::{Map, Value, json};

use super::Response;
use super::items::{Item, Kind};
use crate::chunks::padding;
use crate::refusal::Refusal;
use crate::timeline::{Pace, Timeline, pieces};

/// Writes the whole stream.
pub(crate) fn stream(response: &Response<'_>, obfuscates: bool, pace: &mut Pace, timeline: &mut Timeline) {
    let mut events = Events { timeline, number: 0, obfuscates };
    let begun = response.begun();
    events.write("response.created", json!({"response": begun}), pace.now_us());
    events.write("response.in_progress", json!({"response": begun}), pace.now_us());
    let status = response.status();
    let item_status = if status == "completed" { "completed" } else { "incomplete" };
    for (index, item) in response.items.iter().enumerate() {
        if index > 0 {
            pace.advance();
        }
        events.item(index, item, item_status, pace);
    }
    events.write(&format!("response.{status}"), json!({"response": response.finished()}), pace.now_us());
}

/// The event that ends a stream in the middle. Its number starts anew, as the mock does not know where it was cut.
pub(crate) fn error(refusal: &Refusal) -> Vec<u8> {
    let mut timeline = Timeline::with_capacity(0, 0);
    let mut events = Events { timeline: &mut timeline, number: 0, obfuscates: false };
    let code = refusal.code.unwrap_or(refusal.kind);
    events.write("error", json!({"code": code, "message": refusal.message, "param": refusal.param}), 0);
    timeline.bytes
}

struct Events<'a> {
    timeline: &'a mut Timeline,
    number: u64,
    obfuscates: bool,
}

impl Events<'_> {
    fn write(&mut self, name: &str, members: Value, due_us: u64) {
        let mut event = Map::new();
        event.insert("type".to_owned(), Value::from(name));
        event.insert("sequence_number".to_owned(), Value::from(self.number));
        if let Value::Object(members) = members {
            event.extend(members);
        }
        let text = format!("event: {name}\ndata: {}\n\n", Value::Object(event));
        self.timeline.bytes.extend_from_slice(text.as_bytes());
        self.timeline.due(due_us);
        self.number += 1;
    }

    /// Announces an item, lets it grow, and closes it.
    fn item(&mut self, index: usize, item: &Item, status: &str, pace: &mut Pace) {
        let now = pace.now_us();
        self.write("response.output_item.added", json!({"output_index": index, "item": item.announced()}), now);
        let place = |more: Value| {
            let mut place = json!({"item_id": item.id, "output_index": index});
            if !item.is_call() {
                place["content_index"] = json!(0);
            }
            if let (Some(place), Value::Object(more)) = (place.as_object_mut(), more) {
                place.extend(more);
            }
            place
        };
        if !item.is_call() {
            self.write("response.content_part.added", place(json!({"part": item.part("")})), now);
        }
        let (stem, member) = item.growth();
        for (at, piece) in pieces(item.text(), item.pieces).enumerate() {
            if at > 0 {
                pace.advance();
            }
            let mut more = json!({"delta": piece});
            if matches!(item.kind, Kind::Text(_)) {
                more["logprobs"] = json!([]);
            }
            if self.obfuscates {
                more["obfuscation"] = Value::from(padding(at));
            }
            self.write(&format!("{stem}.delta"), place(more), pace.now_us());
        }
        let now = pace.now_us();
        let mut whole = json!({member: item.text()});
        if matches!(item.kind, Kind::Text(_)) {
            whole["logprobs"] = json!([]);
        }
        if let Some(name) = item.call_name().filter(|_| member == "arguments") {
            whole["name"] = Value::from(name);
        }
        self.write(&format!("{stem}.done"), place(whole), now);
        if !item.is_call() {
            self.write("response.content_part.done", place(json!({"part": item.part(item.text())})), now);
        }
        self.write("response.output_item.done", json!({"output_index": index, "item": item.finished(status)}), now);
    }
}
