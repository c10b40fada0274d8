//! stub
use crate::evidence::Evidence; use crate::policy::Policy; use crate::verdict::Instrument; use crate::guardrail::LevelsInForce;
pub(crate) struct Health { pub(crate) paired: Vec<String>, pub(crate) canary: Vec<String>, pub(crate) instrument: Instrument }
pub(crate) fn health(e: &Evidence, _: &Policy, _: LevelsInForce) -> Health { Health { paired: Vec::new(), canary: Vec::new(), instrument: e.instrument.clone() } }
impl Instrument { /// .
pub fn add_counts(&mut self, _: &Self) {}
/// .
pub fn count_mirrored(&mut self, _: u64, _: bool) {} }
