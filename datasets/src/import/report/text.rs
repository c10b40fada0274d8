//! The account for people.

use super::Report;
use crate::import::{Field, LogFormat};
use std::fmt::Write;

impl Report {
    /// The account in lines: what came in, what each request has, what is missing, what was removed.
    #[must_use]
    pub fn to_text(&self, format: LogFormat) -> String {
        let mut text = String::new();
        let mut line = |name: &str, value: String| {
            // Writing into a string cannot fail.
            let _infallible = writeln!(text, "{name:<16} {value}");
        };
        line("format", format.name().to_owned());
        line("requests", self.requests.to_string());
        let share = |count: u64| match count {
            _ if count == self.requests => "all".to_owned(),
            _ => format!("{count} ({:.0} %)", 100.0 * count as f64 / self.requests.max(1) as f64),
        };
        let (mut absent, mut never) = (Vec::new(), Vec::new());
        for field in Field::ALL {
            match self.filled.get(&field) {
                Some(count) => line(field.name(), share(*count)),
                None if format.fills().contains(&field) => absent.push(field.name()),
                None => never.push(field.name()),
            }
        }
        for (name, fields) in [("not in this log", absent), ("not in this format", never)] {
            if !fields.is_empty() {
                line(name, fields.join(", "));
            }
        }
        if self.prompts_made > 0 {
            line("made up", format!("{} prompts of the recorded length", self.prompts_made));
        }
        if self.out_of_order > 0 {
            line("out of order", self.out_of_order.to_string());
        }
        let kinds: Vec<String> = self.redacted.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        line("removed", if kinds.is_empty() { "nothing".to_owned() } else { self.removed(&kinds) });
        if self.passed_over > 0 {
            line("passed over", format!("{} rows that are no calls that can be played", self.passed_over));
        }
        if self.skipped > 0 {
            line("skipped", format!("{} rows", self.skipped));
        }
        for skip in &self.skips {
            line("", skip.message.clone());
        }
        text
    }

    fn removed(&self, kinds: &[String]) -> String {
        format!("{} in {} requests", kinds.join(", "), self.requests_redacted)
    }
}
