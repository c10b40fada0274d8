//! The result for people: at most 80 columns, worst first.

use crate::lines::wrapped;
use bill::project::{Money, Nanos};
use preflight::{Chosen, Document, Example, Feature, Flight, Group, InFlight, Side, Unread};
use wire::provider::Effect;

/// Groups, models and features without loss that are shown; the document has all.
const ROWS_MAX: usize = 12;
/// Changes of one example that are shown.
const CHANGES_MAX: usize = 6;

/// A table under way.
struct Page {
    out: String,
    colour: bool,
}

pub(super) fn text(document: &Document, colour: bool) -> String {
    let mut page = Page { out: String::new(), colour };
    page.totals(document);
    page.models(document);
    page.groups(&document.groups);
    page.features(document);
    page.retiring(document);
    page.flight(&document.flight);
    page.prompts(document);
    page.cost(document);
    page.out
}

/// The colour of an effect: red, yellow, green.
const fn colour_of(effect: Effect) -> &'static str {
    match effect {
        Effect::Fails => "31",
        Effect::Loses => "33",
        Effect::Rewritten | Effect::Same => "32",
    }
}

const fn word(effect: Effect) -> &'static str {
    match effect {
        Effect::Fails => "fails",
        Effect::Loses => "loses",
        Effect::Rewritten => "rewritten",
        Effect::Same => "same",
    }
}

impl Page {
    /// A line; writing to a string cannot fail.
    fn line(&mut self, text: &str) {
        self.out.push_str(text.trim_end());
        self.out.push('\n');
    }

    /// Words in lines of at most 80 columns, each after `indent` blanks.
    fn wrapped(&mut self, indent: usize, text: &str) {
        let sentence = wrapped(text, indent, indent);
        self.line(&format!("{:indent$}{sentence}", ""));
    }

    fn title(&mut self, text: &str) {
        let text = if self.colour { format!("\n\x1b[1m{text}\x1b[0m") } else { format!("\n{text}") };
        self.line(&text);
    }

    fn painted(&self, effect: Effect, text: &str) -> String {
        if self.colour { format!("\x1b[{}m{text}\x1b[0m", colour_of(effect)) } else { text.to_owned() }
    }

    fn totals(&mut self, document: &Document) {
        let Document { log, totals, .. } = document;
        let files = match &*log.files {
            [one] => one.clone(),
            many => format!("{} files", many.len()),
        };
        let (from, to) = (document.baseline.name(), document.candidate.name());
        self.wrapped(0, &format!("{} requests of {files}, from {from} to {to}.", log.requests));
        self.out.push('\n');
        let all = totals.all().max(1);
        let harmless = match totals.loses_harmless {
            0 => "something is left out".to_owned(),
            some => format!("left out; {some} cannot change an answer"),
        };
        let told = [
            (Effect::Fails, "fail", totals.fails, "they would stay on the baseline"),
            (Effect::Loses, "lose something", totals.loses, &*harmless),
            (Effect::Rewritten, "rewritten", totals.rewritten, "said in another way, with the same meaning"),
            (Effect::Same, "same", totals.same, "but for the model's name and thinking off"),
        ];
        for (effect, name, count, note) in told {
            let name = self.painted(effect, &format!("{name:16}"));
            self.line(&format!("  {name} {count:>9} {:>7}  {note}", percent(count, all)));
        }
        if totals.outside > 0 {
            let note = "no migration takes them, or a rule keeps them";
            self.line(&format!("  {:16} {:>9} {:>7}  {note}", "outside", totals.outside, percent(totals.outside, all)));
        }
        self.unread("no requests", &log.not_requests, "whoever answers today refuses them, too");
        self.unread("broken rows", &log.broken, "not read, in no sum");
    }

    fn unread(&mut self, name: &str, unread: &Unread, note: &str) {
        if unread.count > 0 {
            self.line(&format!("  {name:16} {:>9} {:>7}  {note}", unread.count, ""));
            for example in unread.examples.iter().take(2) {
                self.wrapped(6, example);
            }
        }
    }

    fn models(&mut self, document: &Document) {
        let chosen = |by| document.models.iter().any(|model| model.chosen == Some(by));
        self.title("Models");
        for model in document.models.iter().take(ROWS_MAX) {
            let to = model.to.as_deref().unwrap_or("stays");
            self.line(&format!("  {:30} -> {:26} {:>9}", cut(&model.from, 30), cut(to, 26), model.requests));
        }
        self.more(document.models.len());
        if chosen(Chosen::Default) {
            self.wrapped(
                2,
                "Where nobody named one: a small model for a small one, a large for a large. `--model FROM=TO` says otherwise.",
            );
        }
    }

    fn more(&mut self, rows: usize) {
        if rows > ROWS_MAX {
            self.line(&format!("  and {} more (--json has all)", rows - ROWS_MAX));
        }
    }

    fn groups(&mut self, groups: &[Group]) {
        self.title("By consumer and model, worst first");
        self.line(&format!(
            "  {:16} {:20} {:>8} {:>7} {:>7}  {}",
            "consumer", "model", "requests", "fails", "loses", "mostly of"
        ));
        for group in groups.iter().take(ROWS_MAX) {
            let consumer = group.consumer.as_deref().unwrap_or(if group.other { "other" } else { "-" });
            let worst = group.worst.first().map_or("", |(feature, _)| feature);
            let line = format!(
                "  {:16} {:20} {:>8} {:>7} {:>7}  {}",
                cut(consumer, 16),
                cut(&group.model, 20),
                group.totals.all(),
                group.totals.fails,
                group.totals.loses,
                cut(worst, 14)
            );
            self.line(&line);
        }
        self.more(groups.len());
    }

    fn features(&mut self, document: &Document) {
        let told = |feature: &&Feature| feature.effect > Effect::Same && !feature.examples.is_empty();
        let features: Vec<&Feature> = document.features.iter().filter(told).collect();
        if features.is_empty() {
            return;
        }
        self.title(&format!("By feature, worst first; of the {} requests that were judged", document.totals.judged()));
        for feature in features {
            self.feature(feature);
        }
    }

    fn feature(&mut self, feature: &Feature) {
        let Feature { effect, why, requests, share, .. } = feature;
        let name = self.painted(*effect, &format!("{:9}", word(*effect)));
        self.line(&format!(
            "  {name} {:42} {requests:>9} {:>7}",
            cut(&feature.feature, 42),
            format!("{:.1} %", share * 100.0)
        ));
        self.wrapped(12, &format!("{why}."));
        if !feature.details.is_empty() {
            self.wrapped(12, &format!("such as {}", feature.details.join(", ")));
        }
        if let Some(example) = feature.examples.first() {
            self.example(example, *effect);
        }
        // A loss is looked at where it matters; a way out of a failure is worth its lines.
        if let Some(remedy) = feature.remedy.as_ref().filter(|_| *effect == Effect::Fails) {
            self.wrapped(12, &remedy.advice);
            for line in remedy.toml.iter().flat_map(|toml| toml.lines()) {
                self.line(&format!("              {line}"));
            }
        }
    }

    fn example(&mut self, example: &Example, effect: Effect) {
        let row = example.line.map_or_else(|| format!("request {}", example.request), |line| format!("line {line}"));
        self.wrapped(12, &format!("for example {}, {row}, {}", example.file, example.id));
        if effect == Effect::Rewritten {
            let mut changes: Vec<String> = example.changes.iter().map(ToString::to_string).collect();
            let more = changes.len().saturating_sub(CHANGES_MAX);
            changes.truncate(CHANGES_MAX);
            let rest = if more > 0 { format!("; and {more} more") } else { String::new() };
            self.wrapped(14, &format!("{}{rest}", changes.join("; ")));
        }
    }

    fn cost(&mut self, document: &Document) {
        let cost = &document.cost;
        let Some(choice) = cost.choices.first() else { return };
        self.title("What it costs, at today's prices");
        let amount = |money: Money| match (decimal(money.lower), decimal(money.upper)) {
            (lower, upper) if lower == upper => format!("{} USD", decimal(money.value)),
            (lower, upper) => format!("{} USD ({lower} to {upper})", decimal(money.value)),
        };
        self.wrapped(2, &format!("{}: {}", cost.baseline.provider, amount(choice.against)));
        for choice in &cost.choices {
            let saving = choice.saving.map(|saving| format!("; saves {}", amount(saving))).unwrap_or_default();
            let unpriced = match choice.unpriced {
                0 => String::new(),
                count => format!("; {count} requests have no price and are in no sum"),
            };
            self.wrapped(2, &format!("{}: {}{saving}{unpriced}", choice.name, amount(choice.cost)));
        }
        let estimated = cost.log.estimated_share.unwrap_or_default() * 100.0;
        if estimated > 0.0 {
            self.wrapped(2, &format!("{estimated:.1} % of the baseline's bill is estimated from characters."));
        }
        for sentence in cost.stale.iter().chain(&cost.notes) {
            self.wrapped(2, sentence);
        }
        self.wrapped(2, "`weighbridge plan` on the same log says how long a shadow phase has to be.");
    }

    fn retiring(&mut self, document: &Document) {
        if document.retiring.is_empty() {
            return;
        }
        self.title("Models that end");
        for model in &document.retiring {
            let side = if model.side == Side::Baseline { document.baseline } else { document.candidate };
            let when = match model.days_left {
                left if left < 0 => format!("{} days ago", -left),
                left => format!("in {left} days"),
            };
            self.wrapped(
                2,
                &format!("{} of {} on {}, {when}: {} requests", model.model, side.name(), model.on, model.requests),
            );
        }
    }

    fn flight(&mut self, flight: &Flight) {
        if flight.untimed {
            self.title("At once");
            self.wrapped(2, "The log has no times, so nothing is known of how many requests are under way at once.");
            return;
        }
        if flight.models.is_empty() {
            return;
        }
        self.title("At once");
        for model in &flight.models {
            self.wrapped(2, &in_flight(model));
        }
        if flight.models.iter().all(|model| model.peak.is_none()) {
            self.wrapped(
                2,
                "No request has a recorded duration, so nothing is known of how many are under way at once.",
            );
            return;
        }
        if flight.without_duration > 0.0 {
            let share = flight.without_duration * 100.0;
            self.wrapped(
                2,
                &format!("{share:.1} % of the requests have no recorded duration: the peak is at least that."),
            );
        }
        self.wrapped(2, "At the recorded pace and durations; a slower candidate has more in flight.");
    }

    fn prompts(&mut self, document: &Document) {
        let prompts = &document.prompts;
        if prompts.requests == 0 {
            return;
        }
        self.title("Prompts");
        let [half, nine, hundred] = prompts.tokens_quantiles;
        self.wrapped(
            2,
            &format!(
                "About {half} tokens in the median, {nine} in 90 %, {hundred} in 99 %, {} at most; estimated from \
                 characters, to a factor of 1.5.",
                prompts.tokens_max
            ),
        );
        let known = prompts.requests - prompts.window_unknown.min(prompts.requests);
        if known > 0 {
            self.wrapped(
                2,
                &format!(
                    "With their answers, {} need more than half of the candidate's window, {} more than 90 %.",
                    prompts.above_half_window, prompts.near_window
                ),
            );
        }
        let wide = prompts.wide_chars as f64 * 100.0 / prompts.chars.max(1) as f64;
        self.wrapped(
            2,
            &format!(
                "{wide:.1} % of the characters are Chinese, Japanese or Korean; {} prompts are mostly that, {} mixed.",
                prompts.mostly_wide, prompts.mixed
            ),
        );
    }
}

fn in_flight(model: &InFlight) -> String {
    let least = if model.at_least { "at least " } else { "" };
    let peak = model
        .peak
        .map_or_else(|| "no duration is recorded".to_owned(), |peak| format!("peak of {least}{peak} in flight"));
    let cap = match (model.cap, model.exceeds()) {
        (None, _) => "no cap is known".to_owned(),
        (Some(cap), Some(true)) => format!("ABOVE the cap of {cap} for one account"),
        (Some(cap), _) => format!("the cap for one account is {cap}"),
    };
    format!("{}: {peak}, {} sent within one second; {cap}.", model.model, model.per_second_peak)
}

/// An amount with four places: small logs cost cents.
fn decimal(nanos: Nanos) -> String {
    wire::price::decimal(nanos.0, 4)
}

fn percent(count: u64, all: u64) -> String {
    format!("{:.1} %", count as f64 * 100.0 / all as f64)
}

/// A name of at most so many characters.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_that_is_not_known_is_not_told_as_one() {
        let model = |peak| InFlight {
            model: "m".to_owned(),
            requests: 5,
            peak,
            peak_at_us: None,
            at_least: false,
            per_second_peak: 2,
            cap: None,
        };
        assert_eq!(in_flight(&model(None)), "m: no duration is recorded, 2 sent within one second; no cap is known.");
        assert!(in_flight(&model(Some(3))).starts_with("m: peak of 3 in flight, 2 sent"));
    }
}
