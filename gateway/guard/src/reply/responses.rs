//! The answer to a violation in the words of the responses endpoint.

use super::{MODEL, Refusal, Shape};
use serde_json::{Value, json};

/// The whole response.
pub(super) fn body(refusal: &Refusal<'_>, text: &str) -> Value {
    let id = format!("resp_{}", refusal.id);
    response(refusal, &id, refusal.created, Some(text))
}

/// Without a text it has only begun.
fn response(refusal: &Refusal<'_>, id: &str, created: u64, text: Option<&str>) -> Value {
    let (status, reason) = refusal.policy.finish.status();
    let output: Vec<Value> = text.into_iter().map(|text| item(refusal, "completed", Some(text))).collect();
    json!({
        "id": id, "object": "response", "created_at": created,
        "status": if text.is_some() { status } else { "in_progress" },
        "error": null,
        "incomplete_details": reason.filter(|_| text.is_some()).map(|reason| json!({"reason": reason})),
        "instructions": null, "max_output_tokens": null, "model": MODEL, "output": output,
        "parallel_tool_calls": true, "previous_response_id": null, "temperature": null, "text": {"format": {"type": "text"}},
        "tool_choice": "auto", "tools": [], "top_p": null, "truncation": "disabled",
        "usage": text.map(|_| json!({
            "input_tokens": 0, "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 0, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 0
        })),
        "metadata": {}
    })
}

fn item(refusal: &Refusal<'_>, status: &str, text: Option<&str>) -> Value {
    let content: Vec<Value> = text.into_iter().map(part).collect();
    json!({
        "id": format!("msg_{}", refusal.id), "type": "message", "status": status, "role": "assistant",
        "content": content
    })
}

/// An item that was announced, and will not be finished.
fn given_up(announced: &str) -> Value {
    let mut item: Value = serde_json::from_str(announced).unwrap_or_default();
    if let Some(members) = item.as_object_mut() {
        members.insert("status".to_owned(), "incomplete".into());
        for (name, empty) in
            [("content", json!([])), ("summary", json!([])), ("arguments", json!("")), ("input", json!(""))]
        {
            if let Some(member) = members.get_mut(name) {
                *member = empty;
            }
        }
    }
    item
}

fn part(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": []})
}

/// The events from where the stream stands: its beginning, if it has none; the end of what is open; one message; the end.
pub(super) fn stream(refusal: &Refusal<'_>, shape: &Shape, text: &str, out: &mut Vec<u8>) {
    let id = shape.id.clone().unwrap_or_else(|| format!("resp_{}", refusal.id));
    let created = shape.created.unwrap_or(refusal.created);
    let mut number = shape.sequence.map_or(0, |last| last + 1);
    let mut event = |name: &str, members: Value| {
        let mut event = json!({"type": name, "sequence_number": number});
        if let (Some(event), Value::Object(members)) = (event.as_object_mut(), members) {
            event.extend(members);
        }
        number += 1;
        out.extend_from_slice(format!("event: {name}\ndata: {event}\n\n").as_bytes());
    };
    if !shape.begun {
        let begun = response(refusal, &id, created, None);
        event("response.created", json!({"response": begun}));
        event("response.in_progress", json!({"response": begun}));
    }
    // Official clients take no end while an item is open. What was told of it is not repeated.
    for (index, announced) in &shape.open_items {
        event("response.output_item.done", json!({"output_index": index, "item": given_up(announced)}));
    }
    let place = |members: Value| {
        let mut place =
            json!({"item_id": format!("msg_{}", refusal.id), "output_index": shape.items, "content_index": 0});
        if let (Some(place), Value::Object(members)) = (place.as_object_mut(), members) {
            place.extend(members);
        }
        place
    };
    let index = shape.items;
    event("response.output_item.added", json!({"output_index": index, "item": item(refusal, "in_progress", None)}));
    event("response.content_part.added", place(json!({"part": part("")})));
    event("response.output_text.delta", place(json!({"delta": text, "logprobs": []})));
    event("response.output_text.done", place(json!({"text": text, "logprobs": []})));
    event("response.content_part.done", place(json!({"part": part(text)})));
    event("response.output_item.done", json!({"output_index": index, "item": item(refusal, "completed", Some(text))}));
    let (status, _) = refusal.policy.finish.status();
    let end = response(refusal, &id, created, Some(text));
    event(&format!("response.{status}"), json!({"response": end}));
}
