//! What the hot path costs: nanoseconds per request, chunk and frame, against reading the same bytes into a tree and
//! writing them back, in the same run. Run with `cargo bench -p wire`.
//!
//! Each figure is the smallest of several rounds, interleaved, because on a shared machine everything else is noise of
//! the machine.
#![expect(clippy::print_stdout, reason = "the figures are what this program is for")]

use bytes::Bytes;
use std::hint::black_box;
use std::time::Instant;
use wire::chat::Fold;
use wire::price::{Call, Tariffs};
use wire::provider::{Policy, Provider, Target, View};
use wire::sse::Decoder;
use wire::{Endpoint, Request, Usage, UsageSource};

const ROUNDS: usize = 15;
const CALLS: u32 = 4000;

struct Measured {
    name: &'static str,
    bytes: usize,
    run: Box<dyn FnMut()>,
    nanos: f64,
}

fn main() {
    let request = request();
    let chunk = r#"{"id":"0d4b6f2e-8a54-4d4c-9d7c-6a4d4c1b2f3e","object":"chat.completion.chunk","created":1763800000,"model":"deepseek-flash","system_fingerprint":"fp_1","choices":[{"index":0,"delta":{"content":" word"},"logprobs":null,"finish_reason":null}]}"#;
    let answer = format!(
        r#"{{"id":"0d4b6f2e-8a54","object":"chat.completion","created":1763800000,"model":"deepseek-flash","choices":[{{"index":0,"message":{{"role":"assistant","content":"{}"}},"logprobs":null,"finish_reason":"stop"}}],"usage":{{"prompt_tokens":300,"completion_tokens":250,"total_tokens":550,"prompt_cache_hit_tokens":256}}}}"#,
        "some words of an answer, ".repeat(40)
    );
    let mut all = [
        tree("request: serde_json::Value round trip", request.clone()),
        parse(request.clone()),
        unit(&request),
        rewrite("request: rewrite for DeepSeek", Provider::DeepSeek, request.clone()),
        rewrite("request: rewrite for OpenAI", Provider::OpenAi, request.clone()),
        rewrite("request: rewrite for a compatible server", Provider::Compatible, request),
        tree("chunk: serde_json::Value round trip", chunk.to_owned()),
        fold(chunk),
        edit("chunk: edit for DeepSeek", Provider::DeepSeek, chunk),
        edit("chunk: edit for OpenAI", Provider::OpenAi, chunk),
        frames(chunk),
        tree("answer: serde_json::Value round trip", answer.clone()),
        whole(answer.clone()),
        edit_whole(answer),
        price(),
    ];
    for _ in 0..ROUNDS {
        for measured in &mut all {
            let start = Instant::now();
            for _ in 0..CALLS {
                (measured.run)();
            }
            let nanos = start.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS);
            measured.nanos = measured.nanos.min(nanos);
        }
    }
    let mut yardstick = 1.0;
    for measured in &all {
        if measured.name.ends_with("round trip") {
            yardstick = measured.nanos;
        }
        let Measured { name, bytes, nanos, .. } = measured;
        println!("{name:<45} {bytes:>6} bytes {nanos:>8.0} ns  {:>5.2} of a round trip", nanos / yardstick);
    }
}

fn measured(name: &'static str, bytes: usize, run: impl FnMut() + 'static) -> Measured {
    Measured { name, bytes, run: Box::new(run), nanos: f64::INFINITY }
}

/// Eight members, three messages, one and a half kilobytes.
fn request() -> String {
    let system = "You answer questions of customers of a shop, shortly and kindly. ".repeat(8);
    let question = "Where is my parcel, and why does nobody tell me anything about it? ".repeat(6);
    format!(
        r#"{{"model":"gpt-4o-mini","messages":[{{"role":"system","content":"{system}"}},{{"role":"assistant","content":"How can I help?"}},{{"role":"user","content":"{question}"}}],"temperature":0.2,"max_completion_tokens":500,"stream":true,"stream_options":{{"include_usage":true}},"user":"customer-17","seed":7}}"#
    )
}

fn tree(name: &'static str, body: String) -> Measured {
    measured(name, body.len(), move || {
        let value: Option<serde_json::Value> = serde_json::from_str(black_box(&body)).ok();
        black_box(value.map(|value| value.to_string()));
    })
}

fn parse(body: String) -> Measured {
    measured("request: parse", body.len(), move || {
        black_box(Request::parse(Endpoint::Chat, black_box(body.as_bytes())).is_ok());
    })
}

fn unit(body: &str) -> Measured {
    measured("request: unit (hash of the opening)", body.len(), {
        let body: &'static str = body.replace("\"user\":", "\"x_user\":").leak();
        let request = Request::parse(Endpoint::Chat, body.as_bytes()).ok();
        move || {
            black_box(request.as_ref().map(|request| request.unit(None)));
        }
    })
}

fn rewrite(name: &'static str, provider: Provider, body: String) -> Measured {
    let body: &'static str = body.leak();
    let policy = Policy::default();
    let request = Request::parse(Endpoint::Chat, body.as_bytes()).ok();
    measured(name, body.len(), move || {
        let target = Target::new("deepseek-flash", &policy);
        black_box(request.as_ref().map(|request| provider.adapter().rewrite(black_box(request), &target).is_ok()));
    })
}

fn fold(chunk: &'static str) -> Measured {
    let mut fold = Fold::new(Endpoint::Chat, 4096);
    measured("chunk: fold", chunk.len(), move || {
        black_box(fold.chunk(black_box(chunk)));
    })
}

fn edit(name: &'static str, provider: Provider, chunk: &'static str) -> Measured {
    measured(name, chunk.len(), move || {
        let view = View { wants_usage: true, ..View::default() };
        black_box(provider.adapter().edit(Endpoint::Chat, black_box(chunk), &view));
    })
}

fn frames(chunk: &'static str) -> Measured {
    let mut decoder = Decoder::new();
    let frame = Bytes::from(format!("data: {chunk}\n\n"));
    measured("chunk: frame out of a push", frame.len(), move || {
        decoder.push(black_box(frame.clone()));
        while let Some(frame) = decoder.next_frame() {
            black_box(frame.data().map(str::len));
        }
    })
}

fn whole(answer: String) -> Measured {
    measured("answer: fold", answer.len(), move || {
        let mut fold = Fold::new(Endpoint::Chat, 256 * 1024);
        fold.whole(black_box(answer.as_bytes()));
        black_box(fold.answer());
    })
}

fn edit_whole(answer: String) -> Measured {
    measured("answer: edit for DeepSeek", answer.len(), move || {
        let adapter = Provider::DeepSeek.adapter();
        black_box(adapter.edit_whole(Endpoint::Chat, black_box(answer.as_bytes()), &View::default()).is_ok());
    })
}

fn price() -> Measured {
    // Friday 20 November 2026, 02:00 UTC: at peak, by an alias.
    const PEAK_US: i64 = 1_795_140_000_000_000;
    let tariffs = Tariffs::embedded().ok();
    let usage = Usage::new(300, 250, UsageSource::Provider);
    measured("exchange: price on its clock", 0, move || {
        let call = black_box(Call::new("deepseek", "deepseek-v4-flash", PEAK_US));
        black_box(tariffs.as_ref().and_then(|tariffs| tariffs.price(&call, &usage)).map(|priced| priced.nanos));
    })
}
