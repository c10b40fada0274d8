//! Mock providers: OpenAI, DeepSeek and a compatible server as seen over HTTP, on loopback, seeded, with faults on demand; and
//! those that judge what is said: OpenAI's moderation, Alibaba Cloud's and Azure's content safety, and a guard model.
//!
//! ```no_run
//! # async fn example() -> Result<(), mocks::MockError> {
//! use mocks::{MockConfig, Provider};
//!
//! let mock = mocks::start(([127, 0, 0, 1], 0).into(), MockConfig::instant(Provider::DeepSeek)).await?;
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
//! bytes ─► request ─► face.check ─► answer (words, usage) ─► shape ─► timeline ─► paced body
//!             │        400, 401…        ▲                      ▲          ▲
//!             └► dice (hash of seed,    script, or             delivery:  faults cut or
//!                provider, body)        generated words        waits,     break it
//!                                                              fault
//! ```
//!
//! All of it up to the timeline is pure: the whole answer, with the microsecond at which each byte is due, exists before
//! the first byte is sent. Therefore the same seed and the same request give the same answer, waits and faults in
//! whatever order requests arrive. Outside of this promise are the concurrency limits, the prefix cache and the account of a
//! profile that asks for them, responses that go on from earlier ones, sessions of a moderation, and the real clock's own
//! jitter. What depends on the date (`created`, busy hours, last days, an exchanged model) depends on the mock's own
//! [`Clock`], which is an argument.
//!
//! Because an answer is a function of its request, the last ones are kept for the rest of their second, and a load
//! generator that repeats itself is answered from memory. `benches/speed` compares that, and answers that all differ, with
//! servers that only write.
//!
//! # What an answer costs
//!
//! OpenAI's mock answers in the service tier that is asked for (`fast` is answered as `priority`, nothing and `auto` as
//! `default`) and says so. Pictures and recorded speech have tokens of their own in the prompt, a spoken answer in the
//! completion. Where a body has `prompt_cache_options` with the mode `explicit`, what stands before the last
//! `prompt_cache_breakpoint` is written to the cache or read from it, in whole blocks, and nothing else is. How many tokens
//! speech has, and that all tokens of a spoken answer are speech, are assumptions. DeepSeek's mock and the compatible one
//! have no tiers, no speech and no writes, and ignore what asks for them.
//!
//! # As production was
//!
//! [`Fit`] turns what records tell (times, lengths, errors; a row at a time, in constant memory) into a profile that
//! [`Profile::read`] and `weighbridge mock --profile` understand.
//!
//! # Map
//!
//! | Module | Holds |
//! | --- | --- |
//! | `server` | start and stop, connections, bodies and their pace, the handler and its memory, what each endpoint answers |
//! | `face`, `dialect` | what differs between providers: a trait, and data; `openai`, `deepseek`, `compatible` fill them |
//! | `request` | chat requests, to which legacy completions and responses are turned |
//! | `answer`, `script`, `words`, `schema`, `tokens` | what is said |
//! | `shape`, `completions`, `responses`, `chunks` | how it is written: chat, legacy, items, and what chunks share |
//! | `embeddings`, `moderations` | the endpoints that say nothing |
//! | `green` | Alibaba Cloud's content safety: signatures, sessions, verdicts in two forms |
//! | `judges` | Azure's content safety and a guard model: verdicts in their forms |
//! | `profile`, `timeline`, `dice` | when and how well it is delivered |
//! | `fit` | profiles from records |
//! | `clock`, `account`, `lanes`, `prefix_cache` | the date, the money, the room and the memory that answers can depend on |
//! | `log` | what was asked |
//!
//! It deliberately does not imitate files, batches, searches, or sound one could listen to. The keys of a profile, faults
//! included, are explained in `profiles/openai.toml`.

mod account;
mod answer;
mod chunks;
mod clock;
mod compatible;
mod completions;
mod deepseek;
mod dialect;
mod dice;
mod embeddings;
mod envelope;
mod face;
mod fit;
mod green;
mod judges;
mod lanes;
mod log;
mod logprobs;
mod moderations;
mod openai;
mod prefix_cache;
mod profile;
mod provider;
mod refusal;
mod request;
mod responses;
mod schema;
mod script;
mod server;
mod shape;
mod sse;
mod timeline;
pub mod tokens;
mod words;

pub use clock::Clock;
pub use fit::{Fit, FitError, Fitted, OutcomeRow};
pub use log::{Counts, Outcome, RecordedRequest, RequestLog};
pub use profile::{
    Account, Base, Checkpoint, Fault, Faults, GapBand, Latency, Length, Measured, Peak, Price, Profile, ProfileError,
    SHARES,
};
pub use provider::default_port;
pub use script::{Script, ScriptAnswer, ScriptError, ScriptToolCall};
pub use server::{
    MockConfig, MockError, ModerationConfig, ModerationService, Running, RunningModeration, start, start_moderation,
};
pub use wire::provider::Provider;
