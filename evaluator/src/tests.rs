//! Record files in, verdicts out: each test writes files, evaluates them and looks at what comes back.

mod decisions;
mod evidence;
pub(crate) mod fixture;
mod inputs;
mod money;
mod pairing;
mod roles;
mod selection;
