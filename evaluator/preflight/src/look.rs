//! One request: what would become of it, and what would be sent.

use wire::Request;
use wire::json::Object;
use wire::provider::{Effect, Finding, Loss, Provider, Rewritten, Target, Unfit, outlook};

/// Findings about every request: the model's name, which is the migration itself, and that nobody thinks unasked. They are
/// told and counted, and decide about no request.
pub(crate) const OF_EVERY_REQUEST: [&str; 2] = ["model", THINKING];
/// The finding that thinking is switched off.
const THINKING: &str = "thinking by default";

/// What would become of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Everything that there is to say, worst first.
    pub findings: Vec<Finding>,
    /// The worst of it, what holds for every request left aside.
    pub effect: Effect,
    /// Something is lost, and nothing of it could change an answer.
    pub harmless: bool,
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
            if let Ok(after) = Object::parse(&sent.body) {
                spare_the_unchanged(&mut findings, request, &after);
                findings.extend(thinks_unasked(request, &after));
            }
            for name in &sent.dropped {
                let told = |finding: &Finding| {
                    let part_of = name.split('.').next() == Some(finding.member);
                    finding.effect == Effect::Loses && (part_of || finding.feature == *name)
                };
                if !findings.iter().any(told) {
                    findings.push(unheard(name, Effect::Loses, "the candidate does not take it here: it is left out"));
                }
            }
        }
        Err(_) => {}
    }
    if sent.is_err() {
        // Nothing is rewritten or lost of what is not sent.
        findings.retain(|finding| finding.effect == Effect::Fails);
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.effect));
    let counts = || findings.iter().filter(|finding| !OF_EVERY_REQUEST.contains(&finding.feature));
    let effect = counts().map(|finding| finding.effect).max().unwrap_or(Effect::Same);
    let harmless = effect == Effect::Loses
        && counts().all(|finding| finding.effect != Effect::Loses || finding.loss == Some(Loss::Harmless));
    Look { findings, effect, harmless, sent }
}

/// Members whose rows tell of a rewrite that only some values need.
const NEEDED_BY_SOME: [&str; 4] = ["max_tokens", "max_output_tokens", "stream_options", "reasoning_effort"];
/// Adds an instruction to the messages, where they do not say the word yet.
const JSON_OBJECT: &str = "json_object";

/// What would be rewritten if it had to be, and is sent as it came, is the same.
fn spare_the_unchanged(findings: &mut [Finding], request: &Request<'_>, after: &Object<'_>) {
    let rewritten = |finding: &Finding| {
        finding.effect == Effect::Rewritten
            && (NEEDED_BY_SOME.contains(&finding.member) || finding.feature == JSON_OBJECT)
    };
    if !findings.iter().any(rewritten) {
        return;
    }
    let unchanged = |member: &str| match (request.object.get(member), after.get(member)) {
        (Some(before), Some(after)) => before.get() == after.get(),
        _ => false,
    };
    for finding in findings.iter_mut().filter(|finding| rewritten(finding)) {
        let also = finding.feature != JSON_OBJECT || unchanged("messages");
        if also && unchanged(finding.member) {
            finding.effect = Effect::Same;
        }
    }
}

/// Models that think unless told not to are told so, on behalf of everybody who did not ask.
fn thinks_unasked(request: &Request<'_>, after: &Object<'_>) -> Option<Finding> {
    let said = ["thinking", "reasoning_effort", "reasoning"].into_iter().any(|member| request.object.has(member));
    let member = ["thinking", "reasoning"].into_iter().find(|member| after.has(member)).filter(|_| !said)?;
    let why = "the candidate's models think, and bill it, unless told not to: thinking is switched off";
    Some(Finding { member, ..unheard(THINKING, Effect::Rewritten, why) })
}

fn unheard(feature: &'static str, effect: Effect, why: &'static str) -> Finding {
    let loss = (effect == Effect::Loses).then_some(Loss::Behaviour);
    Finding { feature, member: feature, effect, loss, remedy: None, why, detail: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::Endpoint;
    use wire::provider::Policy;

    const HELLO: &str = r#""messages":[{"role":"user","content":"hello"}]"#;

    fn effect(endpoint: Endpoint, body: &str) -> (Effect, Vec<&'static str>) {
        let request = Request::parse(endpoint, body.as_bytes()).unwrap();
        let policy = Policy::default();
        let look = look(Provider::DeepSeek, &request, &Target::new("deepseek-flash", &policy));
        let worst = look
            .findings
            .iter()
            .filter(|finding| finding.effect == look.effect && !OF_EVERY_REQUEST.contains(&finding.feature));
        (look.effect, worst.map(|finding| finding.feature).collect())
    }

    #[test]
    fn a_plain_request_is_the_same_and_the_worst_finding_decides() {
        let chat = |more: &str| effect(Endpoint::Chat, &format!(r#"{{"model":"gpt-4o",{HELLO}{more}}}"#));
        assert_eq!(chat("").0, Effect::Same);
        assert_eq!(chat(r#","max_tokens":5"#).0, Effect::Same);
        assert_eq!(chat(r#","max_tokens":400000"#), (Effect::Rewritten, vec!["max_tokens"]));
        assert_eq!(chat(r#","max_completion_tokens":5"#), (Effect::Rewritten, vec!["max_completion_tokens"]));
        assert_eq!(chat(r#","seed":5,"max_completion_tokens":5"#), (Effect::Loses, vec!["seed"]));
        assert_eq!(chat(r#","seed":5,"n":2"#), (Effect::Fails, vec!["n>1"]));
    }

    #[test]
    fn what_only_the_rewrite_knows_is_a_finding_too() {
        let forced = format!(
            r#"{{"model":"o3",{HELLO},"reasoning_effort":"high","tool_choice":"required","tools":[{{"type":"function",
            "function":{{"name":"f","parameters":{{"type":"object","properties":{{}}}}}}}}]}}"#
        );
        assert_eq!(effect(Endpoint::Chat, &forced).0, Effect::Loses);
        assert_eq!(effect(Endpoint::Embeddings, r#"{"model":"m","input":"x"}"#).0, Effect::Fails);
        assert_eq!(effect(Endpoint::Responses, r#"{"model":"m","input":"x"}"#).0, Effect::Fails);
    }
}
