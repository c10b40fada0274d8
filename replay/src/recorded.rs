//! A recorded answer, read as if it had just come, so that the same rules judge it as judge the other arm's.

use datasets::Recorded;
use serde_json::{Value, json};
use wire::chat::{Answer, Fold};
use wire::usage::Characters;
use wire::{Endpoint, Form};

/// The answer; `None` where the log kept neither text nor calls. Calls without a text have an empty one.
pub(crate) fn answer(recorded: &Recorded) -> Option<Answer> {
    if recorded.answer.is_none() && recorded.tools.is_empty() {
        return None;
    }
    let text = recorded.answer.as_deref().unwrap_or_default();
    let calls: Vec<Value> = recorded.tools.iter().enumerate().map(|(place, call)| tool_call(place, call)).collect();
    let body = json!({"choices": [{
        "index": 0,
        "message": {"content": text, "tool_calls": calls},
        "finish_reason": recorded.finish_reason,
    }]});
    let mut fold = Fold::new(Endpoint::Chat, text.len());
    fold.whole(body.to_string().as_bytes());
    Some(Answer { refused: recorded.refused, ..fold.answer() })
}

fn tool_call(place: usize, (name, arguments): &(String, Value)) -> Value {
    let arguments = match arguments {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    json!({"id": place.to_string(), "type": "function", "function": {"name": name, "arguments": arguments}})
}

/// What the log tells about the form. A log without a finish reason says nothing, and nothing is no failure; neither
/// is a text that was not kept.
pub(crate) fn form_failure(recorded: &Recorded, demanded: Form) -> Option<&'static str> {
    let finish_reason = recorded.finish_reason.clone()?;
    let called = matches!(finish_reason.as_str(), "tool_calls" | "function_call");
    let mut answer = answer(recorded).unwrap_or_else(|| Answer {
        truncated: true,
        characters: Characters { wide: 0, narrow: 1 },
        finish_reason: Some(finish_reason),
        complete: true,
        refused: recorded.refused,
        ..Answer::new(Endpoint::Chat)
    });
    answer.tool_calls = answer.tool_calls.max(u64::from(called));
    answer.form_failure(demanded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stopped(text: Option<&str>) -> Recorded {
        Recorded {
            finish_reason: Some("stop".into()),
            answer: text.map(str::to_owned),
            ..Recorded::new("openai", "m", 200)
        }
    }

    #[test]
    fn the_form_of_a_record_is_judged_as_far_as_the_log_tells() {
        for (recorded, demanded, expected) in [
            (stopped(None), Form::Json, None),
            (stopped(Some("")), Form::Free, Some("empty")),
            (stopped(Some("no json")), Form::Json, Some("not_json")),
            (stopped(Some("{}")), Form::Json, None),
            (Recorded { finish_reason: None, ..stopped(Some("")) }, Form::Free, None),
            (Recorded { finish_reason: Some("length".into()), ..stopped(None) }, Form::Free, Some("length")),
            (Recorded { finish_reason: Some("tool_calls".into()), ..stopped(None) }, Form::Call, None),
            (Recorded { refused: true, ..stopped(Some("")) }, Form::Free, None),
        ] {
            assert_eq!(form_failure(&recorded, demanded), expected, "{recorded:?}");
        }
    }

    #[test]
    fn recorded_calls_have_the_canonical_form_of_live_ones() {
        let tools = vec![("f".to_owned(), json!({"b": 2.0, "a": "x"})), ("g".to_owned(), json!("not json"))];
        let answer = answer(&Recorded { tools, ..stopped(None) }).unwrap();
        assert_eq!(answer.tools.canonical().as_deref(), Some(r#"[["f",{"a":"x","b":2}],["g","not json"]]"#));
        assert!(super::answer(&stopped(None)).is_none());
    }
}
