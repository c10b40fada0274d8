//! Record files in, verdicts out: each test writes files, evaluates them and looks at what comes back.

mod answers;
mod decisions;
mod evidence;
pub(crate) mod fixture;
mod guard;
mod inputs;
mod money;
mod odd;
mod pairing;
mod parts;
mod pictures;
mod planted;
mod recorded;
mod roles;
mod selection;
