//! Mock providers: OpenAI and DeepSeek as seen over HTTP, on loopback, seeded, with faults on demand.
//!
//! ```no_run
//! # async fn example() -> Result<(), mocks::MockError> {
//! use mocks::{MockConfig, Vendor};
//!
//! let mock = mocks::start(([127, 0, 0, 1], 0).into(), MockConfig::instant(Vendor::DeepSeek)).await?;
//! println!("POST {}/chat/completions", mock.base_url());
//! println!("{} requests so far", mock.requests().counts().received);
//! mock.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! # How an answer comes about
//!
//! ```text
//! bytes ─► request ─► face.check ─► answer (words, usage) ─► face.stream ─► timeline ─► paced body
//!             │        400, 401…        ▲                        ▲             ▲
//!             └► dice (hash of seed,    script, or               delivery:     faults cut or
//!                vendor, body)          generated words          waits, fault  break it
//! ```
//!
//! All of it up to the timeline is pure: the whole answer, with the microsecond at which each byte is due, exists before
//! the first byte is sent. Therefore the same seed and the same request give the same answer, waits and faults in
//! whatever order requests arrive. Three things are outside of this promise: the time in `created`, the concurrency
//! limit of a profile, and the real clock's own jitter.
//!
//! # Map
//!
//! | Module | Holds |
//! | --- | --- |
//! | `server` | start and stop, connections, the paced body, the handler |
//! | `face` | what differs between vendors, as a trait; `openai`, `deepseek` implement it |
//! | `answer`, `script`, `words`, `schema`, `tokens` | what is said |
//! | `profile`, `timeline`, `dice` | when and how well it is delivered |
//! | `log` | what was asked |
//!
//! It deliberately does not imitate prices, balances, image input, log probabilities, the Responses API or moderation.

mod answer;
mod deepseek;
mod dice;
mod envelope;
mod face;
mod log;
mod openai;
mod profile;
mod refusal;
mod request;
mod schema;
mod script;
mod server;
mod sse;
mod timeline;
pub mod tokens;
mod vendor;
mod words;

pub use log::{Counts, Outcome, RecordedRequest, RequestLog};
pub use profile::{Base, Fault, Faults, Latency, Length, Profile, ProfileError};
pub use script::{Script, ScriptAnswer, ScriptError, ScriptToolCall};
pub use server::{MockConfig, MockError, Running, start};
pub use vendor::{UnknownVendor, Vendor};
