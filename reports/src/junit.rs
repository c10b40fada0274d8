//! The verdict as JUnit XML, the format in which CI systems show tests: one case a guardrail, and one for the verdict.
//!
//! CI knows three colours, and a HOLD must not be green. A guardrail that is proven worse, or has no chance any more, is a
//! failure; one that is not decided is skipped, which says that nothing was shown, and is not counted against anybody; one
//! that passes has neither. Skipped cases alone would leave a suite green, so the case of the verdict itself is a failure
//! for NO-GO and an error for HOLD: what was to be shown could not be shown. Guardrails that are only watched never hold
//! a GO back, so undecided ones are skipped as well.
//!
//! Elements and attributes are those of the schema that Jenkins publishes (`junit-10.xsd`), in its order, which GitLab,
//! GitHub actions and others read too. No times are in it: a verdict has no duration.

use std::fmt::Write as _;

use judge::verdict::{Decision, Guardrail, State, Verdict};

use crate::model::{self, names};
use crate::states;

/// What a case says besides its name.
enum Outcome {
    Passed,
    Skipped(String),
    /// Kind, message, details.
    Failed(&'static str, String, String),
    /// The same for what could not be decided.
    Undecided(&'static str, String, String),
}

/// One line of the suite.
struct Case {
    class: String,
    name: String,
    outcome: Outcome,
}

/// The document, with a line end.
pub(crate) fn render(verdict: &Verdict) -> String {
    let page = model::page(verdict);
    let mut cases = vec![overall(verdict, &page)];
    cases.extend(verdict.guardrails.iter().map(case));
    let count = |pick: fn(&Outcome) -> bool| cases.iter().filter(|case| pick(&case.outcome)).count();
    let failures = count(|outcome| matches!(outcome, Outcome::Failed(..)));
    let errors = count(|outcome| matches!(outcome, Outcome::Undecided(..)));
    let skipped = count(|outcome| matches!(outcome, Outcome::Skipped(_)));
    let (tests, name) = (cases.len(), escaped(&format!("weighbridge {}", verdict.migration)));
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing into a string cannot fail, here and below.
    _ = writeln!(out, "<testsuites name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\">");
    _ = writeln!(
        out,
        "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" \
         skipped=\"{skipped}\"{}>",
        timestamp(&verdict.created_at)
    );
    properties(&mut out, verdict, &page);
    for case in &cases {
        write_case(&mut out, case);
    }
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

/// The case of the verdict itself.
fn overall(verdict: &Verdict, page: &model::Page) -> Case {
    let message = format!("{} {}", page.headline.meaning, page.headline.why);
    let mut details: Vec<String> = vec![page.headline.why.clone()];
    details.extend(page.headline.more_reasons.iter().cloned());
    details.extend(page.instrument.alarms.iter().cloned());
    details.extend(Some(page.headline.needed.clone()).filter(|needed| !needed.is_empty()));
    // A reason is often an alarm as well.
    let mut said: Vec<&str> = Vec::new();
    for detail in details.iter().map(|detail| detail.trim_end_matches('.')) {
        if !said.contains(&detail) {
            said.push(detail);
        }
    }
    let details = format!("{}.", said.join(".\n"));
    let outcome = match verdict.verdict {
        Decision::Go => Outcome::Passed,
        Decision::Hold => Outcome::Undecided("hold", message, details),
        Decision::NoGo => Outcome::Failed("no-go", message, details),
    };
    Case { class: "weighbridge.verdict".to_owned(), name: "Verdict".to_owned(), outcome }
}

fn case(guardrail: &Guardrail) -> Case {
    let why = || model::sentence(&guardrail.why);
    let said = |word: &str| format!("{word}: {}", why());
    let word = states::word(guardrail.state);
    let kind = states::name(guardrail.state);
    let outcome = match guardrail.state {
        State::Pass | State::PassRegressed => Outcome::Passed,
        State::Fail => Outcome::Failed(kind, said(word), figures(guardrail)),
        State::Futile if guardrail.decides => Outcome::Failed(kind, said(word), figures(guardrail)),
        State::Futile | State::HoldInsufficient | State::HoldInstrument | State::HoldConflict => {
            Outcome::Skipped(said(word))
        }
    };
    let of = if guardrail.decides { "" } else { ", watched only" };
    Case {
        class: format!("weighbridge.guardrails.{}", guardrail.segment),
        // Names may repeat between metrics of one wording; the verdict's own spelling makes them unique.
        name: format!("{} ({}{of})", names::guardrail(&guardrail.metric, &guardrail.segment), guardrail.metric),
        outcome,
    }
}

/// The figures behind a failure, one a line.
fn figures(guardrail: &Guardrail) -> String {
    let view = model::guardrails::view(guardrail, "");
    format!(
        "{}\nmeasured: {}\nat best: {}\nat worst: {}\nallowed: {}\nobservations: {}\nmethod: {}",
        model::sentence(&guardrail.why),
        view.measured,
        view.lower,
        view.upper,
        view.allowed,
        view.n,
        guardrail.method
    )
}

fn properties(out: &mut String, verdict: &Verdict, page: &model::Page) {
    let entries = [
        ("verdict", verdict.verdict.word().to_owned()),
        ("weight", page.headline.weight.clone()),
        ("next_weight", page.headline.next_weight.clone()),
        ("next_weight_bound", verdict.next_weight_bound.clone()),
        ("policy_digest", verdict.policy_digest.clone()),
        ("tariff_digest", verdict.tariff_digest.clone()),
        ("version", verdict.version.clone()),
    ];
    out.push_str("    <properties>\n");
    for (name, value) in entries {
        _ = writeln!(out, "      <property name=\"{name}\" value=\"{}\"/>", escaped(&value));
    }
    out.push_str("    </properties>\n");
}

fn write_case(out: &mut String, case: &Case) {
    _ = write!(out, "    <testcase classname=\"{}\" name=\"{}\"", escaped(&case.class), escaped(&case.name));
    match &case.outcome {
        Outcome::Passed => out.push_str("/>\n"),
        Outcome::Skipped(message) => {
            _ = writeln!(out, ">\n      <skipped message=\"{}\"/>\n    </testcase>", escaped(message));
        }
        Outcome::Failed(kind, message, details) => write_problem(out, "failure", kind, message, details),
        Outcome::Undecided(kind, message, details) => write_problem(out, "error", kind, message, details),
    }
}

fn write_problem(out: &mut String, element: &str, kind: &str, message: &str, details: &str) {
    let (message, details) = (escaped(message), escaped(details));
    _ = writeln!(
        out,
        ">\n      <{element} type=\"{kind}\" message=\"{message}\">{details}</{element}>\n    </testcase>"
    );
}

/// The time of the newest evidence without its fraction and zone (UTC), where it is one.
fn timestamp(created_at: &str) -> String {
    let is_time = |text: &&str| {
        text.char_indices().all(|(at, c)| match at {
            4 | 7 => c == '-',
            10 => c == 'T',
            13 | 16 => c == ':',
            _ => c.is_ascii_digit(),
        })
    };
    created_at.get(..19).filter(is_time).map_or_else(String::new, |time| format!(" timestamp=\"{time}\""))
}

/// A text without meaning to XML. Characters that XML does not know at all become replacement characters.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{complete, fixture};

    fn count(text: &str, what: &str) -> usize {
        text.matches(what).count()
    }

    /// What the first line of the suite claims.
    fn claimed(text: &str, name: &str) -> usize {
        let suite = &text[text.find("<testsuite ").unwrap()..];
        let from = suite.find(&format!(" {name}=\"")).unwrap() + name.len() + 3;
        suite[from..].split('"').next().unwrap().parse().unwrap()
    }

    #[test]
    fn there_is_one_case_a_guardrail_and_one_for_the_verdict_and_the_sums_are_right() {
        for verdict in [fixture("go"), fixture("hold"), fixture("no-go"), complete()] {
            let text = render(&verdict);
            assert_eq!(count(&text, "<testcase "), verdict.guardrails.len() + 1);
            assert_eq!(claimed(&text, "tests"), verdict.guardrails.len() + 1);
            assert_eq!(claimed(&text, "failures"), count(&text, "<failure "));
            assert_eq!(claimed(&text, "errors"), count(&text, "<error "));
            assert_eq!(claimed(&text, "skipped"), count(&text, "<skipped "));
        }
    }

    #[test]
    fn a_go_is_green_and_neither_a_hold_nor_a_no_go_is() {
        let problems = |text: &str| (count(text, "<error "), count(text, "<failure "));
        assert_eq!(problems(&render(&fixture("go"))), (0, 0));
        let hold = render(&fixture("hold"));
        assert_eq!(problems(&hold), (1, 0));
        assert!(
            hold.contains("<error type=\"hold\" message=\"Not decided") && hold.contains("Still needed: "),
            "{hold}"
        );
        assert!(hold.contains("<skipped message=\"not decided: "), "{hold}");
        let no_go = render(&fixture("no-go"));
        assert!(
            problems(&no_go).1 > 1 && no_go.contains("<failure type=\"fail\" message=\"beyond margin: "),
            "{no_go}"
        );
    }

    #[test]
    fn what_is_only_watched_fails_only_where_harm_is_proven() {
        let mut verdict = fixture("hold");
        for guardrail in &mut verdict.guardrails {
            guardrail.decides = false;
            guardrail.state = State::Futile;
        }
        assert_eq!(count(&render(&verdict), "<failure "), 0);
        verdict.guardrails[0].state = State::Fail;
        assert_eq!(count(&render(&verdict), "<failure "), 1);
    }

    #[test]
    fn names_are_unique_and_no_text_is_markup() {
        let mut verdict = complete();
        verdict.guardrails[0].why = "a < b & \"c\"\u{1}\u{ffff}]]>".to_owned();
        verdict.guardrails[0].state = State::Fail;
        verdict.migration = "</testsuite>".to_owned();
        verdict.created_at = "\" x=\"".to_owned();
        let text = render(&verdict);
        assert!(text.contains("A &lt; b &amp; &quot;c&quot;\u{fffd}\u{fffd}]]&gt;"), "{text}");
        assert_eq!(count(&text, "</testsuite>"), 1);
        assert!(!text.contains("timestamp"));
        let names: Vec<&str> = text.lines().filter(|line| line.contains("<testcase ")).collect();
        let unique: std::collections::BTreeSet<&&str> = names.iter().collect();
        assert_eq!(unique.len(), names.len());
    }
}
