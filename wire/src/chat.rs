//! Chat completions: what we read of a request, and how an answer is folded into one outcome.

pub mod error;
pub mod fold;
pub mod request;

pub use error::ErrorBody;
pub use fold::{Answer, Fold, Seen};
pub use request::{Request, RequestError, Unit};
