use super::*;
use crate::policy::Check;
use proptest::prelude::*;
use wire::Endpoint;

fn chosen(endpoint: Endpoint, body: &str, check: Check) -> Vec<String> {
    of_request(endpoint, body).chosen(check).map(Passage::text).collect()
}

const TURNS: &str = r#"{"model":"m","messages":[
    {"role":"system","content":"s"},
    {"role":"user","content":"first"},
    {"role":"assistant","content":null,"reasoning_content":"r","tool_calls":[{"id":"c","function":{"name":"f","arguments":"{\"a\":1}"}}]},
    {"role":"tool","tool_call_id":"c","content":[{"type":"text","text":"t"}]},
    {"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"data:x"}},{"type":"text","text":"b"}]}
]}"#;

#[test]
fn a_policy_sees_the_messages_that_it_names() {
    assert_eq!(chosen(Endpoint::Chat, TURNS, Check::LastUser), ["a\nb"]);
    assert_eq!(chosen(Endpoint::Chat, TURNS, Check::User), ["first", "a\nb"]);
    assert_eq!(chosen(Endpoint::Chat, TURNS, Check::All), ["s", "first", "r\nf\n{\"a\":1}", "t", "a\nb"]);
    assert_eq!(of_request(Endpoint::Chat, TURNS).unjudged, 1);
}

#[test]
fn no_odd_shape_is_a_way_around() {
    for (messages, expected) in [
        (r#"{"role":"user","content":"a","content":"b"}"#, vec!["a\nb"]),
        (r#"{"content":"a"}"#, vec!["a"]),
        (r#"{"role":"User","content":"a"}"#, vec!["a"]),
        (r#"{"role":"system","role":"user","content":"a"}"#, vec!["a"]),
        (r#"{"role":7,"content":"a"}"#, vec!["a"]),
        (r#"{"role":"user","content":{"text":"a"}}"#, vec!["a"]),
        (r#"{"role":"user","content":[["a"],{"content":[{"text":"b"}]}]}"#, vec!["a\nb"]),
        (r#"{"role":"user","c\u006fntent":"\u0061"}"#, vec!["a"]),
        (r#"{"role":"user","content":"a","extra":{"content":"x"}}"#, vec!["a"]),
        (
            r#"{"role":"user","content":"a\ud800b\\ud800\udc00\ud83d\ude00\uDFFF"}"#,
            vec!["a\u{fffd}b\\ud800\u{fffd}😀\u{fffd}"],
        ),
    ] {
        let body = format!(r#" {{"model":"m","messages":[{messages}]}}"#);
        assert_eq!(chosen(Endpoint::Chat, &body, Check::User), expected, "{body}");
    }
}

#[test]
fn halves_of_pairs_in_names_hide_nothing() {
    for (message, expected) in [
        (r#"{"role":"user","content":"BAD","\ud800":0}"#, "BAD"),
        (r#"{"role":"user","content":[{"type":"text","text":"BAD","\udfff":0}]}"#, "BAD"),
        (r#"{"role":"user","content":"BAD","\ud800\ud800x":{"\ud800":0}}"#, "BAD"),
    ] {
        let texts = of_request(Endpoint::Chat, &format!(r#"{{"messages":[{message}]}}"#));
        assert_eq!((texts.passages[0].text().as_str(), texts.unread), (expected, false), "{message}");
    }
    let variables = r#"{"prompt":{"id":"p","variables":{"v":"BAD","\ud800":"x"},"\ud800":0},"\ud800":0}"#;
    assert_eq!(chosen(Endpoint::Responses, variables, Check::User), ["BAD\nx"]);
    for choice in [
        r#"{"index":0,"delta":{"content":"BAD"},"\ud800":0}"#,
        r#"{"index":0,"delta":{"content":"BAD","\ud800":0}}"#,
        r#"{"index":0,"delta":{"content":[{"text":"BAD","\ud800":0}]}}"#,
    ] {
        let event = of_event(Endpoint::Chat, &format!(r#"{{"choices":[{choice}]}}"#));
        assert_eq!((said(&event), event.unread), (vec![(0, Kind::Text, 0, "BAD")], false), "{choice}");
    }
    let response = r#"{"output":[{"type":"message","content":[{"text":"BAD","\ud800":0}],"\ud800":0}],"\ud800":0}"#;
    assert_eq!(said(&of_answer(Endpoint::Responses, response)), [(0, Kind::Text, 0, "BAD")]);
}

#[test]
fn texts_in_tokens_are_not_passed_over_in_silence() {
    for (endpoint, body, tokenised) in [
        (Endpoint::Completions, r#"{"prompt":[[40,1234],[7]]}"#, 2),
        (Endpoint::Completions, r#"{"prompt":[40,1234]}"#, 1),
        (Endpoint::Completions, r#"{"prompt":["a","b"]}"#, 0),
        (Endpoint::Embeddings, r#"{"input":["a",[40]]}"#, 1),
        (Endpoint::Embeddings, r#"{"input":"40"}"#, 0),
    ] {
        let texts = of_request(endpoint, body);
        assert_eq!((texts.tokenised, texts.unjudged), (tokenised, tokenised), "{body}");
    }
}

#[test]
fn rarer_members_hold_text_too() {
    let named = r#"{"messages":[{"role":"user","name":"n","content":"a"}]}"#;
    assert_eq!(chosen(Endpoint::Chat, named, Check::User), ["n\na"]);
    let chat = r#"{"choices":[{"index":0,"message":{"content":"a","thinking":"t",
        "reasoning_details":[{"type":"reasoning.text","text":"r"}],
        "annotations":[{"type":"url_citation","url_citation":{"title":"c","url":"u"}}]}}]}"#;
    let expected =
        [(0, Kind::Text, 0, "a"), (0, Kind::Reasoning, 2, "t"), (0, Kind::Reasoning, 1, "r"), (0, Kind::Text, 2, "c")];
    assert_eq!(said(&of_answer(Endpoint::Chat, chat)), expected);
    let response = r#"{"output":[{"type":"shell_call","action":{"commands":["a","b"]}},
        {"type":"apply_patch_call","operation":{"type":"update_file","path":"p","diff":"c"}},
        {"type":"file_search_call","queries":["d"],"results":[{"filename":"x","text":"e"}]},
        {"type":"code_interpreter_call","code":"f","outputs":[{"type":"logs","logs":"g"}]},
        {"type":"message","content":[{"text":"h","annotations":[{"type":"url_citation","title":"i"}]}]}]}"#;
    let event = of_answer(Endpoint::Responses, response);
    let texts: Vec<&str> = event.said.iter().map(|said| &*said.piece.text).collect();
    assert_eq!(texts, ["a", "b", "c", "d", "e", "f", "g", "h", "i"]);
}

#[test]
fn what_cannot_be_read_is_never_nothing() {
    assert!(of_request(Endpoint::Chat, "{\"messages\":[{]}").unread);
    assert!(!of_request(Endpoint::Chat, " {\"messages\":[]} ").unread);
}

#[test]
fn every_endpoint_shows_what_it_is_asked() {
    let responses = r#"{"instructions":"i","prompt":{"id":"p","variables":{"v":"w","x":{"type":"input_text","text":"y"}}},
        "input":[{"role":"user","content":[{"type":"input_text","text":"a"}]},
            {"type":"function_call","call_id":"c","arguments":"g"},{"type":"function_call_output","call_id":"c","output":"o"},
            {"type":"input_text","text":"p1"},{"type":"input_text","text":"p2"}]}"#;
    assert_eq!(chosen(Endpoint::Responses, responses, Check::User), ["w\ny", "a", "p1\np2"]);
    assert_eq!(chosen(Endpoint::Responses, responses, Check::LastUser), ["p1\np2"]);
    assert_eq!(chosen(Endpoint::Responses, responses, Check::All), ["i", "w\ny", "a", "g", "o", "p1\np2"]);
    assert_eq!(chosen(Endpoint::Responses, r#"{"input":"a"}"#, Check::LastUser), ["a"]);
    for (endpoint, body, expected) in [
        (Endpoint::Completions, r#"{"prompt":["a","b"],"suffix":"c"}"#, vec!["a", "b", "c"]),
        (Endpoint::Embeddings, r#"{"input":["a",[1,2]]}"#, vec!["a"]),
        (Endpoint::Moderations, r#"{"input":"a"}"#, vec![]),
    ] {
        assert_eq!(chosen(endpoint, body, Check::LastUser), expected);
    }
}

#[test]
fn nesting_without_end_is_read_no_further() {
    let deep = format!("{}\"x\"{}", "[".repeat(100_000), "]".repeat(100_000));
    let body = format!(r#"{{"messages":[{{"role":"user","content":{deep}}}]}}"#);
    assert_eq!(chosen(Endpoint::Chat, &body, Check::All), Vec::<String>::new());
}

#[test]
fn masked_texts_take_their_place_and_nothing_else_moves() {
    let body = r#"{ "messages" : [ {"role":"user", "content":[{"text":"caf\u00e9 x@y.z","type":"text"},{"text":"and more"}]} ], "n":1.50 }"#;
    let texts = of_request(Endpoint::Chat, body);
    let passage = &texts.passages[0];
    let text = passage.text();
    let mask = |start: usize, end| Mask { span: start..end, instead: "[email]".to_owned() };
    let at = text.find("x@").unwrap();
    let out = masked_request(body, [(passage, &[mask(at, at + 5)][..])]);
    assert_eq!(out, body.replace("caf\\u00e9 x@y.z", "café [email]"));
    // A mask over both strings stands in the first and takes its share of the second.
    let out = masked_request(body, [(passage, &[mask(at, at + 10)][..])]);
    assert_eq!(out, body.replace("caf\\u00e9 x@y.z", "café [email]").replace("and more", "more"));
}

fn said(event: &Event) -> Vec<(u64, Kind, u64, &str)> {
    event
        .said
        .iter()
        .map(|said| (said.channel.choice, said.channel.kind, said.channel.part, &*said.piece.text))
        .collect()
}

#[test]
fn chunks_name_their_channels() {
    let chunk = r#"{"id":"c","created":7,"choices":[
        {"index":1,"delta":{"content":"a","reasoning_content":"b","refusal":"c"},"logprobs":{"content":[]},"finish_reason":null},
        {"index":0,"delta":{"tool_calls":[{"index":3,"function":{"name":"f","arguments":"{"}}]},"finish_reason":"tool_calls"}]}"#;
    let event = of_event(Endpoint::Chat, chunk);
    let expected = [
        (1, Kind::Text, 0, "a"),
        (1, Kind::Reasoning, 0, "b"),
        (1, Kind::Refusal, 0, "c"),
        (0, Kind::Arguments, 3, "{"),
    ];
    assert_eq!(said(&event), expected);
    assert_eq!((event.finished.as_slice(), event.choices.as_slice(), event.tokens.len()), (&[0][..], &[1, 0][..], 1));
    assert_eq!((event.id.as_deref(), event.created, event.end), (Some("c"), Some(7), false));
    assert!(of_event(Endpoint::Chat, "[DONE]").end);
    assert!(of_event(Endpoint::Chat, "{\"choices\"").unread);
    let completion = of_event(Endpoint::Completions, r#"{"choices":[{"index":0,"text":"t","finish_reason":null}]}"#);
    assert_eq!(said(&completion), [(0, Kind::Text, 0, "t")]);
}

#[test]
fn whole_answers_show_every_choice_and_call() {
    let body = r#"{"choices":[{"index":0,"message":{"content":"a","tool_calls":[{"function":{"arguments":"x"}},{"custom":{"input":"y"}}]}},
        {"index":1,"message":{"content":"b","function_call":{"name":"f","arguments":"z"}}}]}"#;
    let event = of_answer(Endpoint::Chat, body);
    assert_eq!(
        said(&event),
        [
            (0, Kind::Text, 0, "a"),
            (0, Kind::Arguments, 0, "x"),
            (0, Kind::Arguments, 1, "y"),
            (1, Kind::Text, 0, "b"),
            (1, Kind::Arguments, u64::MAX, "z")
        ]
    );
    let response = r#"{"id":"r","created_at":5,"output":[{"type":"reasoning","summary":[{"type":"summary_text","text":"s"}]},
        {"type":"message","content":[{"type":"output_text","text":"a"},{"type":"refusal","refusal":"n"}]},
        {"type":"function_call","name":"f","arguments":"g"}]}"#;
    let event = of_answer(Endpoint::Responses, response);
    assert_eq!(
        said(&event),
        [(0, Kind::Reasoning, 0, "s"), (1, Kind::Text, 0, "a"), (1, Kind::Text, 1, "n"), (2, Kind::Arguments, 0, "g")]
    );
    assert!(of_answer(Endpoint::Chat, "<html>").unread);
}

#[test]
fn events_of_a_response_tell_pieces_and_echoes_apart() {
    for (data, expected) in [
        (
            r#"{"type":"response.output_text.delta","output_index":2,"content_index":1,"delta":"a"}"#,
            (2, Kind::Text, 1, "a"),
        ),
        (
            r#"{"type":"response.reasoning_summary_text.delta","summary_index":1,"delta":"a"}"#,
            (0, Kind::Reasoning, 1, "a"),
        ),
        (
            r#"{"type":"response.function_call_arguments.delta","output_index":1,"delta":"a"}"#,
            (1, Kind::Arguments, 0, "a"),
        ),
        (
            r#"{"type":"response.custom_tool_call_input.delta","output_index":1,"delta":"a"}"#,
            (1, Kind::Arguments, 0, "a"),
        ),
        (r#"{"type":"response.output_text.done","output_index":2,"text":"a"}"#, (2, Kind::Echo, 0, "a")),
        (r#"{"type":"response.output_item.done","item":{"content":[{"text":"a"}]}}"#, (0, Kind::Echo, 0, "a")),
        (
            r#"{"type":"response.completed","response":{"output":[{"content":[{"text":"a"}]}]}}"#,
            (0, Kind::Echo, 0, "a"),
        ),
    ] {
        let event = of_event(Endpoint::Responses, data);
        assert_eq!(said(&event), [expected], "{data}");
        assert_eq!(event.end, data.contains("completed"));
    }
}

proptest! {
    #[test]
    fn pieces_stand_where_they_say(text in "\\PC{0,30}", other in "\\PC{0,10}") {
        let body = serde_json::json!({"messages": [{"role": "user", "content": [{"text": text}, other]}]}).to_string();
        for passage in of_request(Endpoint::Chat, &body).passages {
            for piece in passage.pieces {
                prop_assert_eq!(serde_json::from_str::<String>(&body[piece.place]).unwrap(), piece.text);
            }
        }
    }

    #[test]
    fn no_body_is_too_odd(body in "[\\[\\]{}\":,a-c0-9\\\\ ]{0,80}") {
        for endpoint in Endpoint::ALL {
            drop(of_request(endpoint, &body));
            drop(of_event(endpoint, &body));
            drop(of_answer(endpoint, &body));
        }
    }

    #[test]
    fn parts_masked_one_by_one_are_the_masked_whole(
        text in "[a-z]{1,30}",
        cuts in proptest::collection::vec(0usize..30, 0..5),
        spans in proptest::collection::vec((0usize..30, 1usize..8), 0..4),
    ) {
        let mut masks: Vec<Mask> = Vec::new();
        for (start, length) in spans {
            let (start, end) = (start.min(text.len() - 1), (start + length).min(text.len()));
            if start < end && masks.iter().all(|mask| mask.span.end <= start || mask.span.start >= end) {
                masks.push(Mask { span: start..end, instead: "#".to_owned() });
            }
        }
        masks.sort_by_key(|mask| mask.span.start);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).chain([0, text.len()]).collect();
        cuts.sort_unstable();
        let parts: String = cuts
            .windows(2)
            .map(|pair| masked_part(&text[pair[0]..pair[1]], pair[0]..pair[1], &masks).unwrap_or(text[pair[0]..pair[1]].to_owned()))
            .collect();
        prop_assert_eq!(parts, crate::policy::masked(&text, &masks));
    }
}
