//! stub
use crate::evidence::Evidence; use crate::policy::Policy; use crate::verdict::{Decision, WeightBounds};
#[derive(Debug, Clone, PartialEq)] pub struct NextWeight { pub percent: f64, pub bound: &'static str, pub bounds: WeightBounds, pub why: String }
#[derive(Debug, Clone, Copy)] pub struct Situation { pub decision: Decision, pub hold_for_want_of_evidence_only: bool, pub estimate_above_margin: bool, pub rate_limited_above_margin: bool }
pub fn next_weight(_: &Situation, _: &Evidence, _: &Policy) -> NextWeight { NextWeight { percent: 0.0, bound: "verdict", bounds: WeightBounds::default(), why: String::new() } }
