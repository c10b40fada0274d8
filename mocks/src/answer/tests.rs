use serde_json::{Value, json};

use super::*;
use crate::script::ScriptToolCall;

fn request(extra: &Value) -> ChatRequest {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "How does a weighbridge work?"}]});
    for (key, value) in extra.as_object().unwrap() {
        body[key] = value.clone();
    }
    ChatRequest::read(&body).unwrap()
}

const PROMPT: &str = "How does a weighbridge work?";

fn recorded(provider: Provider, answer: ScriptAnswer) -> Script {
    let mut script = Script::new();
    script.insert(provider, PROMPT, answer);
    script
}

fn speak(provider: Provider, script: &Script, extra: &Value, thinking: bool, fault: Option<Fault>) -> Answer {
    let profile = Profile { cached_share: 0.5, ..Profile::instant() };
    Speaker {
        provider,
        face: crate::face::of(provider),
        seed: 1,
        script,
        profile: &profile,
        cache: None,
        checkpoint: None,
    }
    .answer(&request(extra), thinking, fault)
}

#[test]
fn a_recorded_answer_keeps_its_words_and_counts() {
    let script = recorded(
        Provider::OpenAi,
        ScriptAnswer {
            content: Some("By load cells.".to_owned()),
            prompt_tokens: Some(12),
            completion_tokens: Some(34),
            cached_tokens: Some(5),
            ..ScriptAnswer::default()
        },
    );
    let answer = speak(Provider::OpenAi, &script, &json!({}), false, None);
    assert_eq!(answer.choices[0].content.as_deref(), Some("By load cells."));
    assert_eq!(answer.choices[0].finish_reason, "stop");
    assert_eq!(answer.usage, Usage { prompt: 12, completion: 34, cached: 5, ..Usage::default() });
    // The other provider has no answer to this prompt and makes one up.
    let other = speak(Provider::DeepSeek, &script, &json!({}), false, None);
    assert_ne!(other.choices[0].content.as_deref(), Some("By load cells."));
}

#[test]
fn switching_thinking_off_saves_the_recorded_reasoning() {
    let script = recorded(
        Provider::DeepSeek,
        ScriptAnswer {
            content: Some("By load cells.".to_owned()),
            reasoning: Some("A weighbridge has load cells.".to_owned()),
            completion_tokens: Some(50),
            reasoning_tokens: Some(40),
            ..ScriptAnswer::default()
        },
    );
    let on = speak(Provider::DeepSeek, &script, &json!({}), true, None);
    assert_eq!((on.usage.completion, on.usage.reasoning), (50, 40));
    assert_eq!(on.choices[0].reasoning, "A weighbridge has load cells.");
    let off = speak(Provider::DeepSeek, &script, &json!({}), false, None);
    assert_eq!((off.usage.completion, off.usage.reasoning), (10, 0));
    assert_eq!(off.choices[0].reasoning, "");
}

#[test]
fn thinking_is_generated_where_none_is_recorded_unless_recorded_as_none() {
    let plain =
        ScriptAnswer { content: Some("Yes.".to_owned()), completion_tokens: Some(2), ..ScriptAnswer::default() };
    let answer = speak(Provider::DeepSeek, &recorded(Provider::DeepSeek, plain.clone()), &json!({}), true, None);
    assert!(answer.usage.reasoning > 0 && !answer.choices[0].reasoning.is_empty());
    assert_eq!(answer.usage.completion, answer.usage.reasoning + 2);
    let none = ScriptAnswer { reasoning: Some(String::new()), ..plain };
    let answer = speak(Provider::DeepSeek, &recorded(Provider::DeepSeek, none), &json!({}), true, None);
    assert_eq!(answer.usage.completion, 2);
}

#[test]
fn limits_cut_the_text_in_proportion_and_say_length() {
    let words = "one two three four five six seven eight nine ten ".repeat(4);
    let script = recorded(
        Provider::OpenAi,
        ScriptAnswer { content: Some(words.clone()), completion_tokens: Some(40), ..ScriptAnswer::default() },
    );
    let cut = speak(Provider::OpenAi, &script, &json!({"max_completion_tokens": 10}), false, None);
    let choice = &cut.choices[0];
    assert_eq!((choice.finish_reason.as_str(), cut.usage.completion), ("length", 10));
    let kept = choice.content.as_deref().unwrap();
    assert!(words.starts_with(kept));
    assert!((0.2..0.3).contains(&(kept.len() as f64 / words.len() as f64)));
    let whole = speak(Provider::OpenAi, &script, &json!({"max_tokens": 40}), false, None);
    assert_eq!(whole.choices[0].finish_reason, "stop");
}

#[test]
fn deepseek_ignores_the_newer_limit_and_counts_reasoning_against_the_older() {
    let script = Script::new();
    let ignored = speak(Provider::DeepSeek, &script, &json!({"max_completion_tokens": 3}), true, None);
    assert_eq!(ignored.choices[0].finish_reason, "stop");
    assert!(ignored.usage.completion > 3);
    let eaten = speak(Provider::DeepSeek, &script, &json!({"max_tokens": 3}), true, None);
    assert_eq!(eaten.choices[0].content.as_deref(), Some(""));
    assert_eq!((eaten.usage.completion, eaten.usage.reasoning), (3, 3));
    assert_eq!(eaten.choices[0].finish_reason, "length");
}

#[test]
fn faults_cut_in_the_middle() {
    let script = Script::new();
    let whole = speak(Provider::OpenAi, &script, &json!({}), false, None);
    for (fault, reason) in [
        (Fault::Length, "length"),
        (Fault::ContentFilter, "content_filter"),
        (Fault::InsufficientResource, "insufficient_system_resource"),
        (Fault::Aborted, "aborted"),
    ] {
        let cut = speak(Provider::OpenAi, &script, &json!({}), false, Some(fault));
        assert_eq!(cut.choices[0].finish_reason, reason);
        assert_eq!(cut.usage.completion, whole.usage.completion / 2);
        let text = cut.choices[0].content.as_deref().unwrap();
        assert!(whole.choices[0].content.as_deref().unwrap().starts_with(text));
    }
}

#[test]
fn generated_answers_depend_on_prompt_seed_and_vendor_only() {
    let script = Script::new();
    let say = |provider, extra: Value| speak(provider, &script, &extra, false, None).choices[0].content.clone();
    let base = say(Provider::OpenAi, json!({}));
    assert_eq!(base, say(Provider::OpenAi, json!({"stream": true, "temperature": 1.0})));
    assert_ne!(base, say(Provider::DeepSeek, json!({})));
    let thinking = speak(Provider::DeepSeek, &script, &json!({}), true, None);
    assert_eq!(thinking.choices[0].content, say(Provider::DeepSeek, json!({})));
}

#[test]
fn alternatives_differ_and_are_all_billed() {
    let answer = speak(Provider::OpenAi, &Script::new(), &json!({"n": 3}), false, None);
    assert_eq!(answer.choices.len(), 3);
    assert_ne!(answer.choices[0].content, answer.choices[1].content);
    assert_eq!(answer.usage.completion, answer.choices.iter().map(|choice| choice.visible_tokens).sum::<u64>());
}

#[test]
fn json_modes_give_json() {
    let script = Script::new();
    for format in [
        json!({"type": "json_object"}),
        json!({"type": "json_schema", "json_schema": {"name": "a", "schema": {
            "type": "object", "properties": {"weight": {"type": "integer"}}}}}),
    ] {
        let answer = speak(Provider::OpenAi, &script, &json!({"response_format": format}), false, None);
        let value: Value = serde_json::from_str(answer.choices[0].content.as_deref().unwrap()).unwrap();
        assert!(value.is_object());
        if format["type"] == "json_schema" {
            assert!(value["weight"].is_i64());
        }
    }
}

#[test]
fn tools_are_called_when_recorded_or_demanded_and_not_twice() {
    let tools = json!([
        {"type": "function", "function": {"name": "weigh", "parameters": {
            "type": "object", "properties": {"lorry": {"type": "string"}}}}},
        {"type": "function", "function": {"name": "pay"}},
    ]);
    let calls = |script: &Script, extra: Value| {
        let answer = speak(Provider::OpenAi, script, &extra, false, None);
        answer.choices[0].tool_calls.iter().map(|call| call.name.clone()).collect::<Vec<_>>()
    };
    let nothing = Script::new();
    assert!(calls(&nothing, json!({"tools": tools})).is_empty());
    assert_eq!(calls(&nothing, json!({"tools": tools, "tool_choice": "required"})), ["weigh", "pay"]);
    let one = json!({"tools": tools, "tool_choice": "required", "parallel_tool_calls": false});
    assert_eq!(calls(&nothing, one), ["weigh"]);
    let mentioned = json!({"tools": tools, "messages": [{"role": "user", "content": "Please `pay` and repay."}]});
    assert_eq!(calls(&nothing, mentioned), ["pay"]);
    let allowed = json!({"tools": tools, "tool_choice": {"type": "allowed_tools", "allowed_tools": {
        "mode": "required", "tools": [{"type": "function", "function": {"name": "pay"}}]}}});
    assert_eq!(calls(&nothing, allowed), ["pay"]);
    let named = json!({"tools": tools, "tool_choice": {"type": "function", "function": {"name": "pay"}}});
    assert_eq!(calls(&nothing, named), ["pay"]);

    let call = ScriptToolCall { name: "weigh".to_owned(), arguments: json!({"lorry": "7"}) };
    let script = recorded(Provider::OpenAi, ScriptAnswer { tool_calls: vec![call], ..ScriptAnswer::default() });
    assert_eq!(calls(&script, json!({"tools": tools})), ["weigh"]);
    assert!(calls(&script, json!({})).is_empty());
    assert!(calls(&script, json!({"tools": tools, "tool_choice": "none"})).is_empty());
    let answered = json!({"tools": tools, "messages": [
        {"role": "user", "content": PROMPT}, {"role": "tool", "content": "40 t", "tool_call_id": "x"}]});
    assert!(calls(&script, answered).is_empty());
    let answer = speak(Provider::OpenAi, &script, &json!({"tools": tools}), false, None);
    assert_eq!((answer.choices[0].finish_reason.as_str(), &answer.choices[0].content), ("tool_calls", &None));
}

#[test]
fn cached_tokens_come_in_blocks_above_a_minimum() {
    let profile = Profile { cached_share: 0.9, cache_block_tokens: 128, cache_tokens_min: 1024, ..Profile::instant() };
    let script = Script::new();
    let face = crate::face::of(Provider::OpenAi);
    let speaker = Speaker {
        provider: Provider::OpenAi,
        face,
        seed: 1,
        script: &script,
        profile: &profile,
        cache: None,
        checkpoint: None,
    };
    assert_eq!(speaker.cached_share(1000), 0);
    assert_eq!(speaker.cached_share(2000), 1792);
}
