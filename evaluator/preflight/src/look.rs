//! One request: what would become of it, and what would be sent.

use wire::Request;
use wire::provider::{Effect, Finding, Provider, Rewritten, Target, Unfit, outlook};

/// The row of every request that is about the model's name: it is the migration itself, and no finding about a request.
pub(crate) const MODEL: &str = "model";

/// What would become of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Everything that there is to say, worst first.
    pub findings: Vec<Finding>,
    /// The worst of it, the model's name left aside.
    pub effect: Effect,
    /// What the gateway would send, or why it would not.
    pub sent: Result<Rewritten, Unfit>,
}

/// Looks at one request as the gateway does, and asks it for the rewrite, too.
///
/// The rewrite has the last word: where it refuses or drops something of which there is no finding, there is one then.
#[must_use]
pub fn look(candidate: Provider, request: &Request<'_>, target: &Target<'_>) -> Look {
    let mut findings = outlook(candidate, request, target);
    let sent = candidate.adapter().rewrite(request, target);
    match &sent {
        Err(unfit) if findings.iter().all(|finding| finding.effect != Effect::Fails) => {
            findings.push(unheard(unfit.feature, Effect::Fails, "the candidate cannot serve it as it is"));
        }
        Ok(sent) => {
            for name in &sent.dropped {
                let told = |finding: &Finding| {
                    finding.effect == Effect::Loses && (finding.member == *name || finding.feature == *name)
                };
                if !findings.iter().any(told) {
                    findings.push(unheard(name, Effect::Loses, "the candidate does not take it here: it is left out"));
                }
            }
        }
        Err(_) => {}
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.effect));
    let counts = findings.iter().filter(|finding| finding.feature != MODEL);
    let effect = counts.map(|finding| finding.effect).max().unwrap_or(Effect::Same);
    Look { findings, effect, sent }
}

fn unheard(feature: &'static str, effect: Effect, why: &'static str) -> Finding {
    Finding { feature, member: feature, effect, loss: None, remedy: None, why, detail: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::Endpoint;
    use wire::provider::Policy;

    fn effect(endpoint: Endpoint, body: &str) -> (Effect, Vec<&'static str>) {
        let request = Request::parse(endpoint, body.as_bytes()).unwrap();
        let policy = Policy::default();
        let look = look(Provider::DeepSeek, &request, &Target::new("deepseek-flash", &policy));
        let worst = look.findings.iter().filter(|finding| finding.effect == look.effect && finding.feature != MODEL);
        (look.effect, worst.map(|finding| finding.feature).collect())
    }

    #[test]
    fn a_plain_request_is_the_same_and_the_worst_finding_decides() {
        let chat = |more: &str| effect(Endpoint::Chat, &format!(r#"{{"model":"gpt-4o","messages":[]{more}}}"#));
        assert_eq!(chat("").0, Effect::Same);
        assert_eq!(chat(r#","max_completion_tokens":5"#), (Effect::Rewritten, vec!["max_completion_tokens"]));
        assert_eq!(chat(r#","seed":5,"max_completion_tokens":5"#), (Effect::Loses, vec!["seed"]));
        assert_eq!(chat(r#","seed":5,"n":2"#), (Effect::Fails, vec!["n>1"]));
    }

    #[test]
    fn what_only_the_rewrite_knows_is_a_finding_too() {
        let forced = r#"{"model":"o3","messages":[],"reasoning_effort":"high","tool_choice":"required",
            "tools":[{"type":"function","function":{"name":"f"}}]}"#;
        assert_eq!(effect(Endpoint::Chat, forced).0, Effect::Loses);
        assert_eq!(effect(Endpoint::Embeddings, r#"{"model":"m","input":"x"}"#).0, Effect::Fails);
        assert_eq!(effect(Endpoint::Responses, r#"{"model":"m","input":"x"}"#).0, Effect::Fails);
    }
}
