//! Verdicts on real answers with a known outcome: what two models answered to the same prompts, and what eight providers
//! took for the same work. They run where the shared data lie beside the repository, or where `WEIGHBRIDGE_REAL_DATA`
//! names their folder; elsewhere they say aloud that they are skipped.

#![expect(clippy::unwrap_used, reason = "a test stops where its set-up fails")]

mod latency;
mod quality;
mod records;
