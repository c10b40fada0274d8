//! The verdict as bytes.

use judge::verdict::Verdict;

/// The file `verdict.json`: indented, with a line end.
#[must_use]
pub fn to_json(verdict: &Verdict) -> String {
    // Plain structs with string keys always serialise; numbers that JSON lacks become null.
    let mut text = serde_json::to_string_pretty(verdict).unwrap_or_default();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use judge::verdict::{Bill, Evidence, Instrument, SCHEMA};

    #[test]
    fn json_reads_back_as_the_same_verdict() {
        let verdict: Verdict = serde_json::from_value(serde_json::json!({
            "schema": SCHEMA, "verdict": "hold", "reasons": ["Not enough."], "migration": "chat", "epoch": 3,
            "weight_percent": 10.0, "next_weight_percent": 10.0, "next_weight_bound": "verdict",
            "needed": [{"metric": "ttft_p95", "segment": "canary", "pairs": 310, "hours": 0.5}], "guardrails": [],
            "instrument": Instrument::default(), "bill": Bill::default(), "window": {"from_us": 0, "to_us": 0},
            "inputs": [], "policy_digest": "p", "tariff_digest": "t", "seed": 0, "version": "0",
            "created_at": "2026-11-20T00:00:00Z", "evidence": Evidence::default(),
        }))
        .unwrap();
        let text = to_json(&verdict);
        assert!(text.ends_with("}\n") && text.contains("\"schema\": \"weighbridge.verdict/1\""));
        assert_eq!(serde_json::from_str::<Verdict>(&text).unwrap(), verdict);
    }
}
