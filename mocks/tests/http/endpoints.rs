//! OpenAI's endpoints beside chat: legacy completions, embeddings, moderations.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mocks::{Faults, Provider};
use serde_json::{Value, json};

use crate::support::{Mock, events, parse};

#[tokio::test]
async fn legacy_completions_answer_each_prompt_n_times() {
    let mock = Mock::scripted(Provider::OpenAi, "Once upon", " a time.").await;
    let body = json!({"model": "gpt-4o-mini", "prompt": ["Once upon", "There was"], "n": 2, "logprobs": 2});
    let (status, answer) = mock.post("/v1/completions", &body).await;
    assert_eq!((status, &answer["object"]), (200, &json!("text_completion")));
    assert!(answer["id"].as_str().unwrap().starts_with("cmpl-"));
    let choices = answer["choices"].as_array().unwrap();
    let indexes: Vec<u64> = choices.iter().map(|choice| choice["index"].as_u64().unwrap()).collect();
    assert_eq!(indexes, [0, 1, 2, 3]);
    assert_eq!((&choices[0]["text"], &choices[0]["finish_reason"]), (&json!(" a time."), &json!("stop")));
    // Sixteen tokens unless asked for more, as the provider has it.
    assert_eq!(choices[2]["finish_reason"], "length");
    let tokens = choices[0]["logprobs"]["tokens"].as_array().unwrap();
    assert_eq!(tokens.iter().map(|token| token.as_str().unwrap()).collect::<String>(), " a time.");
    assert_eq!(choices[0]["logprobs"]["text_offset"][0], 0);
    let usage = &answer["usage"];
    assert_eq!(
        usage["total_tokens"].as_u64(),
        Some(usage["prompt_tokens"].as_u64().unwrap() + usage["completion_tokens"].as_u64().unwrap())
    );

    let echo = json!({"model": "gpt-4o-mini", "prompt": "Once upon", "echo": true});
    assert_eq!(mock.post("/v1/completions", &echo).await.1["choices"][0]["text"], "Once upon a time.");
    let tokens = json!({"model": "gpt-4o-mini", "prompt": [[1, 2, 3], [4]], "max_tokens": 3});
    let (_, answer) = mock.post("/v1/completions", &tokens).await;
    assert_eq!((&answer["usage"]["prompt_tokens"], &answer["usage"]["completion_tokens"]), (&json!(4), &json!(6)));
    let (status, answer) = mock.post("/v1/completions", &json!({"model": "m", "prompt": {"a": 1}})).await;
    assert_eq!((status, &answer["error"]["param"]), (400, &json!("prompt")));
}

#[tokio::test]
async fn legacy_streams_end_with_usage_if_asked_for() {
    let mock = Mock::scripted(Provider::OpenAi, "Once upon", " a time.").await;
    for include_usage in [true, false] {
        let body = json!({"model": "gpt-4o-mini", "prompt": "Once upon", "stream": true,
                          "stream_options": {"include_usage": include_usage}});
        let events = events(&mock.text("/v1/completions", &body).await);
        assert_eq!(events.last().unwrap(), "[DONE]");
        let mut chunks = parse(&events);
        assert!(chunks.iter().all(|chunk| chunk["object"] == "text_completion" && chunk["id"] == chunks[0]["id"]));
        if include_usage {
            let usage = chunks.pop().unwrap();
            assert_eq!(usage["choices"], json!([]));
            assert!(usage["usage"]["completion_tokens"].as_u64().unwrap() > 0);
            assert!(chunks.iter().all(|chunk| chunk.as_object().unwrap().contains_key("usage")));
        }
        assert!(chunks.iter().all(|chunk| chunk["usage"].is_null()));
        let text: String = chunks.iter().filter_map(|chunk| chunk["choices"][0]["text"].as_str()).collect();
        assert_eq!(text, " a time.");
        let (finish, rest) = chunks.split_last().unwrap();
        assert_eq!(finish["choices"][0]["finish_reason"], "stop");
        assert!(rest.iter().all(|chunk| chunk["choices"][0]["finish_reason"].is_null()));
    }
}

fn numbers(entry: &Value) -> Vec<f64> {
    entry["embedding"].as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

#[tokio::test]
async fn embeddings_are_unit_vectors_in_either_form() {
    let mock = Mock::instant(Provider::OpenAi).await;
    let body = json!({"model": "text-embedding-3-small", "input": ["lorry", "axle", "lorry"]});
    let (status, answer) = mock.post("/v1/embeddings", &body).await;
    assert_eq!((status, &answer["object"], &answer["model"]), (200, &json!("list"), &json!("text-embedding-3-small")));
    let data = answer["data"].as_array().unwrap();
    let vectors: Vec<Vec<f64>> = data.iter().map(numbers).collect();
    assert_eq!((vectors.len(), vectors[0].len(), &data[2]["index"]), (3, 1536, &json!(2)));
    assert!(vectors[0] == vectors[2] && vectors[0] != vectors[1]);
    let length: f64 = vectors[0].iter().map(|number| number * number).sum();
    assert!((length - 1.0).abs() < 1e-4, "{length}");
    assert_eq!(answer["usage"]["prompt_tokens"], answer["usage"]["total_tokens"]);

    let packed = json!({"model": "text-embedding-3-small", "input": "lorry", "encoding_format": "base64"});
    let (_, answer) = mock.post("/v1/embeddings", &packed).await;
    let bytes = STANDARD.decode(answer["data"][0]["embedding"].as_str().unwrap()).unwrap();
    let unpacked: Vec<f32> = bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect();
    assert_eq!(unpacked.len(), 1536);
    assert!(unpacked.iter().zip(&vectors[0]).all(|(packed, number)| (f64::from(*packed) - number).abs() < 1e-7));

    // A shorter vector points the same way as the beginning of the longer one.
    let short = json!({"model": "text-embedding-3-small", "input": "lorry", "dimensions": 8});
    let short = numbers(&mock.post("/v1/embeddings", &short).await.1["data"][0]);
    assert_eq!(short.len(), 8);
    assert!((short[1] / short[0] - vectors[0][1] / vectors[0][0]).abs() < 1e-3);
    let tokens = json!({"model": "text-embedding-3-large", "input": [1, 2, 3]});
    let (_, answer) = mock.post("/v1/embeddings", &tokens).await;
    assert_eq!((numbers(&answer["data"][0]).len(), &answer["usage"]["total_tokens"]), (3072, &json!(3)));
}

#[tokio::test]
async fn embeddings_refuse_what_cannot_be_embedded() {
    let mock = Mock::instant(Provider::OpenAi).await;
    for (body, param) in [
        (json!({"model": "text-embedding-3-small"}), "input"),
        (json!({"model": "text-embedding-3-small", "input": ""}), "input"),
        (json!({"model": "text-embedding-3-small", "input": []}), "input"),
        (json!({"model": "text-embedding-3-small", "input": "x", "dimensions": 1537}), "dimensions"),
        (json!({"model": "text-embedding-ada-002", "input": "x", "dimensions": 5}), "dimensions"),
        (json!({"model": "text-embedding-3-small", "input": "x", "encoding_format": "int8"}), "encoding_format"),
        (json!({"input": "x"}), "model"),
    ] {
        let (status, answer) = mock.post("/v1/embeddings", &body).await;
        assert_eq!((status, &answer["error"]["param"]), (400, &json!(param)), "{body}");
    }
    let broken = Mock::faulty(Provider::OpenAi, Faults { error_503: 1.0, ..Faults::default() }).await;
    let (status, _) = broken.post("/v1/embeddings", &json!({"model": "m", "input": "x"})).await;
    assert_eq!(status, 503, "faults meet every endpoint");
}

#[tokio::test]
async fn moderations_judge_each_text_or_all_parts_together() {
    let mock = Mock::instant(Provider::OpenAi).await;
    let body = json!({"input": ["How heavy is it?", "He said TEST-VIOLENCE"]});
    let (status, answer) = mock.post("/v1/moderations", &body).await;
    assert_eq!((status, &answer["model"]), (200, &json!("omni-moderation-2024-09-26")));
    assert!(answer["id"].as_str().unwrap().starts_with("modr-"));
    let results = answer["results"].as_array().unwrap();
    assert_eq!((&results[0]["flagged"], &results[1]["flagged"]), (&json!(false), &json!(true)));
    for result in results {
        for member in ["categories", "category_scores", "category_applied_input_types"] {
            assert_eq!(result[member].as_object().unwrap().len(), 13, "{member}");
        }
    }
    assert_eq!(
        (&results[1]["categories"]["violence"], &results[1]["categories"]["hate"]),
        (&json!(true), &json!(false))
    );

    let parts = json!({"model": "omni-moderation-latest", "input": [
        {"type": "text", "text": "Look:"}, {"type": "image_url", "image_url": {"url": "https://example.org/TEST-GORE"}}]});
    let (_, answer) = mock.post("/v1/moderations", &parts).await;
    let results = answer["results"].as_array().unwrap();
    assert_eq!((results.len(), &results[0]["flagged"]), (1, &json!(true)));
    assert_eq!(results[0]["category_applied_input_types"]["violence/graphic"], json!(["text", "image"]));
    assert_eq!(results[0]["category_applied_input_types"]["hate"], json!(["text"]));

    for body in [json!({}), json!({"input": 3}), json!({"input": "x", "model": "gpt-4o"})] {
        assert_eq!(mock.post("/v1/moderations", &body).await.0, 400, "{body}");
    }
}

#[tokio::test]
async fn deepseek_has_no_embeddings_and_no_moderations() {
    let mock = Mock::instant(Provider::DeepSeek).await;
    for path in ["/embeddings", "/v1/embeddings", "/moderations", "/v1/moderations", "/completions"] {
        assert_eq!(mock.post(path, &json!({"model": "deepseek-flash", "input": "x"})).await.0, 404, "{path}");
    }
    let body = json!({"model": "deepseek-flash", "prompt": "fn main() {", "suffix": "}", "stream": true});
    let chunks = parse(&events(&mock.text("/beta/completions", &body).await));
    assert!(chunks.last().unwrap()["usage"]["prompt_cache_miss_tokens"].is_u64(), "usage rides on the finish chunk");
}
