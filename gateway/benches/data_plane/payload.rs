//! What travels: requests of about a kilobyte and answers of the same size, in the shapes of both vendors.
//!
//! A request tells the upstream how to answer in words of its prompt (`chunks=50 interval_us=10000`), because a prompt is
//! what every proxy passes on untouched. Each streamed piece carries its number behind a `#`, so that the receiving end can
//! tell a lost or a reordered one.

/// Different prompts, so different conversations, that a load generator goes through.
const CONVERSATIONS: usize = 512;

/// How the upstream is asked to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Wish {
    /// One answer of about `bytes`.
    Whole { bytes: usize },
    /// So many pieces, so far apart.
    Stream { chunks: u64, interval_us: u64 },
}

/// About a kilobyte of answer.
pub(crate) const WHOLE_BYTES: usize = 600;

impl Wish {
    pub(crate) const PLAIN: Self = Self::Whole { bytes: WHOLE_BYTES };

    fn words(self) -> String {
        match self {
            Self::Whole { bytes } => format!("bytes={bytes}"),
            Self::Stream { chunks, interval_us } => format!("chunks={chunks} interval_us={interval_us}"),
        }
    }

    /// Reads the wish out of a request's body.
    pub(crate) fn of_body(body: &str) -> Self {
        let number = |key: &str| -> Option<u64> {
            let rest = &body[body.find(key)? + key.len()..];
            rest[..rest.find(|byte: char| !byte.is_ascii_digit())?].parse().ok()
        };
        match number("chunks=") {
            Some(chunks) => Self::Stream { chunks, interval_us: number("interval_us=").unwrap_or(0) },
            None => Self::Whole { bytes: number("bytes=").map_or(WHOLE_BYTES, |bytes| bytes as usize) },
        }
    }
}

/// Complete HTTP requests, one a conversation, ready to be written to a connection.
pub(crate) fn requests(wish: Wish) -> Vec<Vec<u8>> {
    (0..CONVERSATIONS)
        .map(|conversation| {
            let body = request_body(conversation, wish);
            let mut request = format!(
                "POST /v1/chat/completions HTTP/1.1\r\nhost: gateway.test\r\nuser-agent: data-plane-bench\r\n\
                 authorization: Bearer {}\r\naccept: application/json\r\ncontent-type: application/json\r\n\
                 content-length: {}\r\n\r\n",
                crate::settings::CLIENT_KEY,
                body.len()
            );
            request.push_str(&body);
            request.into_bytes()
        })
        .collect()
}

fn request_body(conversation: usize, wish: Wish) -> String {
    let stream = match wish {
        Wish::Whole { .. } => "",
        Wish::Stream { .. } => r#""stream":true,"stream_options":{"include_usage":true},"#,
    };
    let system = "You answer customers of a bookshop. You are brief, you are kind, you never promise a date of \
                  delivery, and you quote prices only from the list that you were given. "
        .repeat(3);
    let question = "Good morning! My parcel has been on its way for nine days now. Can you tell me where it is, and \
                    what happens if it does not arrive before the holidays? It was meant to be a present. ";
    format!(
        r#"{{"model":"gpt-4o-mini",{stream}"temperature":0.2,"max_tokens":400,"user":"customer-{conversation}","messages":[{{"role":"system","content":"{system}"}},{{"role":"user","content":"{question}Order {conversation}, {}."}}]}}"#,
        wish.words()
    )
}

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Vendor {
    OpenAi,
    DeepSeek,
}

impl Vendor {
    const fn model(self) -> &'static str {
        match self {
            Self::OpenAi => "gpt-4o-mini-2024-07-18",
            Self::DeepSeek => "deepseek-flash",
        }
    }

    const fn usage(self) -> &'static str {
        match self {
            Self::OpenAi => {
                r#"{"prompt_tokens":182,"completion_tokens":121,"total_tokens":303,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}"#
            }
            Self::DeepSeek => {
                r#"{"prompt_tokens":182,"completion_tokens":121,"total_tokens":303,"prompt_tokens_details":{"cached_tokens":128},"prompt_cache_hit_tokens":128,"prompt_cache_miss_tokens":54}"#
            }
        }
    }

    /// A whole answer whose text has about `bytes`.
    pub(crate) fn whole(self, bytes: usize) -> String {
        let text = "Thank you for writing. Your parcel left our house on time and is with the carrier. ";
        let mut content = text.repeat(bytes / text.len() + 1);
        content.truncate(bytes);
        format!(
            r#"{{"id":"chatcmpl-bench","object":"chat.completion","created":1795000000,"model":"{}","choices":[{{"index":0,"message":{{"role":"assistant","content":"{content}"}},"logprobs":null,"finish_reason":"stop"}}],"usage":{},"system_fingerprint":"fp_bench"}}"#,
            self.model(),
            self.usage()
        )
    }

    /// One frame of a stream.
    fn frame(self, choices: &str, usage: &str) -> String {
        format!(
            "data: {{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1795000000,\"model\":\"{}\",\
             \"choices\":[{choices}]{usage}}}\n\n",
            self.model()
        )
    }

    /// The frame before the first text.
    pub(crate) fn opening(self) -> String {
        self.frame(r#"{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}"#, "")
    }

    /// The frame with text number `index`.
    pub(crate) fn piece(self, index: u64) -> String {
        self.frame(&format!(r##"{{"index":0,"delta":{{"content":" #{index:06} word"}},"finish_reason":null}}"##), "")
    }

    /// Everything behind the last text: DeepSeek's usage rides on the finish frame, OpenAI's has a frame of its own.
    pub(crate) fn closing(self) -> String {
        let finish = r#"{"index":0,"delta":{},"finish_reason":"stop"}"#;
        let usage = format!(",\"usage\":{}", self.usage());
        let mut closing = String::new();
        match self {
            Self::OpenAi => {
                closing.push_str(&self.frame(finish, ""));
                closing.push_str(&self.frame("", &usage));
            }
            Self::DeepSeek => closing.push_str(&self.frame(finish, &usage)),
        }
        closing.push_str("data: [DONE]\n\n");
        closing
    }
}
