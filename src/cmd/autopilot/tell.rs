//! What the autopilot says on the way: a line for each thing that is new, behind the time.

use super::config::Config;
use crate::{lines, logs, render};
use std::time::Duration;

/// Columns before the words of a line.
const INDENT: usize = 10;

/// Says each thing once, until something else was said.
#[derive(Debug, Default)]
pub(super) struct Teller {
    last: String,
}

impl Teller {
    /// Says something unless it was the last thing said; says whether it was new.
    pub(super) fn say(&mut self, text: &str) -> bool {
        if self.last == text {
            return false;
        }
        text.clone_into(&mut self.last);
        note(text);
        true
    }

    /// A look that came to nothing.
    pub(super) fn failed(&mut self, why: &str, times: u32, pause: Duration) {
        let times = if times == 1 { String::new() } else { format!(" ({times} times in a row)") };
        let pause =
            if pause >= Duration::from_secs(1) { format!("{} s", pause.as_secs()) } else { format!("{pause:?}") };
        note(&format!("no look{times}: {why}; the next one in {pause}"));
        // What comes after it is news again.
        self.last.clear();
    }
}

/// How a flight begins.
pub(super) fn begun(config: &Config, target: &str, dry_run: bool) {
    let how = if dry_run { ", saying only what it would do" } else { "" };
    let by = match &config.adjust {
        Some(adjust) => format!("by {} (not evidence-based)", adjust.mode.name()),
        None => "by evidence".to_owned(),
    };
    note(&format!(
        "moving {} at {target} {by}, a look every {}{how}; Ctrl-C ends between two moves",
        render::name(&config.migration),
        seconds(config.interval)
    ));
}

fn seconds(length: Duration) -> String {
    if length.subsec_nanos() == 0 { format!("{} s", length.as_secs()) } else { format!("{length:?}") }
}

/// A remark at the present time (UTC).
pub(super) fn note(text: &str) {
    if logs::is_json() {
        return render::note(text);
    }
    let time = jiff::Timestamp::now().strftime("%H:%M:%S").to_string();
    render::note(&format!("{time}  {}", lines::wrapped(&render::name(text), INDENT, INDENT)));
}
