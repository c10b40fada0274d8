//! What a replay would do, without sending anything: one pass over the log, in constant memory.
//!
//! It goes the way of a run as far as nothing is sent: the same selection, the same due times, the same rewriting. So
//! what it says of rows, span and peak is what a run does. Money is an estimate, and there are two: what to expect, and
//! what a cap would have to be so that it surely is not in the way.

mod arm;
mod peak;
mod text;

pub use arm::ArmPreview;

use crate::allow::{self, Allow};
use crate::error::ReplayError;
use crate::finished;
use crate::log::Log;
use crate::options::{ArmChoice, ReplayOptions};
use crate::schedule::{Rate, Timetable};
use crate::select::{Rows, SelectCounts, Selected, Selection, count, select};
use arm::ArmCount;
use datasets::{Arm, LoggedRequest, Redaction};
use peak::Peak;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use wire::Request;
use wire::price::Tariffs;

/// Name and version of the document.
pub const SCHEMA: &str = "weighbridge.dry-run/1";

/// Models that are counted by name; the rest is summed up under `other`.
const MODELS_MAX: usize = 100;

/// What would be sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DryRun {
    /// Always `weighbridge.dry-run/1`.
    pub schema: String,
    /// Requests that would be sent.
    pub rows: u64,
    /// The log would be played again and again; the numbers are of one lap.
    pub endless: bool,
    /// What became of the rows of the log.
    pub selected: Selected,
    /// Rows that stood behind a later one in the log.
    pub out_of_order: u64,
    /// Rows that the provider cannot serve, by feature; of a forced arm only.
    pub skipped: BTreeMap<String, u64>,
    /// Rows that have a record already.
    pub already_done: u64,
    /// Rows that are due after the allowed duration.
    pub too_late: u64,
    /// Rows that are no request of their endpoint.
    pub broken: u64,
    /// What is wrong with the first of them.
    pub broken_first: Option<String>,
    /// From the first send to the last, microseconds; absent where answers set the pace.
    pub span_us: Option<u64>,
    /// Most sends within any one second, to a millisecond; absent where answers set the pace.
    pub peak_per_second: Option<u64>,
    /// Rows by the model in the log.
    pub models: BTreeMap<String, u64>,
    /// Rows that belong to a conversation.
    pub session_rows: u64,
    /// Characters of all prompts.
    pub prompt_chars: u64,
    /// Tokens of all prompts at the baseline, estimated: texts, tools, frames, pictures.
    pub prompt_tokens_estimate: u64,
    /// Completion tokens that the log recorded.
    pub completion_tokens_recorded: u64,
    /// Rows whose completion tokens the log does not tell; their output is not in the expected cost.
    pub completion_unknown_rows: u64,
    /// Expected cost in nano-dollars of the forced arm; absent where a model has no price, or where the target decides
    /// who answers.
    pub cost_nanos_estimate: Option<i64>,
    /// What all rows would be at the baseline's provider.
    pub baseline: ArmPreview,
    /// What all rows would be at the candidate's provider.
    pub candidate: ArmPreview,
    /// The cap on the cost, nano-dollars.
    pub budget_nanos: Option<i64>,
    /// What records keep of answers: `full`, `hashed` or `none`.
    #[cfg_attr(test, schemars(with = "String"))]
    pub redaction: Redaction,
    /// Why a run would be refused as it stands.
    pub refused_because: Vec<String>,
    /// What else should be known before.
    pub remarks: Vec<String>,
}

/// Says what [`crate::run()`] would do with the same log and options at `now_us` (microseconds since the Unix epoch;
/// prices depend on it).
///
/// # Errors
/// The options contradict each other, or the log cannot be read. What else would stop a run is reported, not an error.
pub fn dry_run(log: impl Into<Log>, options: &ReplayOptions, now_us: i64) -> Result<DryRun, ReplayError> {
    options.check()?;
    let finished = finished::look(options)?;
    let log: Log = log.into();
    let untimed = log.is_untimed() && options.rate.follows_log();
    let broken = Arc::new(AtomicU64::new(0));
    let open = {
        let broken = options.skip_broken.then(|| Arc::clone(&broken));
        move || log.open(broken.as_ref())
    };
    let mut dry = look(open, options, |id| finished.requests.contains(id), now_us)?;
    dry.broken += broken.load(Ordering::Relaxed);
    if untimed {
        dry.refused_because.push(ReplayError::untimed(options.rate).to_string());
    }
    Ok(dry)
}

/// The same from any source of rows.
pub(crate) fn look(
    open: impl Fn() -> Result<Rows, ReplayError> + Clone + Send + 'static,
    options: &ReplayOptions,
    is_done: impl Fn(&str) -> bool,
    now_us: i64,
) -> Result<DryRun, ReplayError> {
    let (selection, endless) = finite(options);
    let total = match options.rate.needs_total(options.duration) {
        true => Some(count(open.clone(), &selection, options.seed)?),
        false => None,
    };
    let tariffs = options.tariffs()?;
    let counts = Arc::new(SelectCounts::default());
    let mut view =
        View::new(options, &tariffs, now_us, Timetable::new(options.rate, options.seed, total, options.duration)?);
    for chosen in select(open, &selection, options.seed, Arc::clone(&counts)) {
        let chosen = chosen?;
        if is_done(&chosen.row.id) {
            view.dry.already_done += 1;
            continue;
        }
        let due_us = view.timetable.due_us(chosen.ordinal, chosen.at_us);
        if view.is_too_late(due_us) {
            view.dry.too_late += 1;
            if selection.laps.is_none() && selection.limit.is_none() {
                break;
            }
            continue;
        }
        view.see(&chosen.row, due_us);
    }
    let selected = counts.selected();
    if selected.read == 0 {
        return Err(ReplayError::Empty);
    }
    Ok(view.finish(selected, endless))
}

/// A pass that ends: where nothing but answers would end the laps, one stands for all.
fn finite(options: &ReplayOptions) -> (Selection, bool) {
    let mut selection = options.selection.clone();
    let timed = options.duration.is_some() && options.rate.is_open_loop();
    let endless = selection.laps.is_none() && selection.limit.is_none() && !timed;
    if endless {
        selection.laps = Some(1);
    }
    (selection, endless)
}

/// A dry run under way.
struct View<'a> {
    options: &'a ReplayOptions,
    timetable: Timetable,
    duration_us: Option<u64>,
    dry: DryRun,
    baseline: ArmCount<'a>,
    candidate: ArmCount<'a>,
    due_us: Option<(u64, u64)>,
    peak: Peak,
}

impl<'a> View<'a> {
    fn new(options: &'a ReplayOptions, tariffs: &'a Tariffs, now_us: i64, timetable: Timetable) -> Self {
        Self {
            options,
            timetable,
            duration_us: options.duration.map(crate::micros),
            dry: blank(options),
            baseline: ArmCount::new(Arm::Baseline, options, tariffs, now_us),
            candidate: ArmCount::new(Arm::Candidate, options, tariffs, now_us),
            due_us: None,
            peak: Peak::default(),
        }
    }

    fn is_too_late(&self, due_us: Option<u64>) -> bool {
        due_us.zip(self.duration_us).is_some_and(|(due_us, duration_us)| due_us >= duration_us)
    }

    fn see(&mut self, row: &LoggedRequest, due_us: Option<u64>) {
        let request = match crate::log::check(row)
            .and_then(|()| Request::parse(row.endpoint, row.body.get().as_bytes()).map_err(|error| error.to_string()))
        {
            Ok(request) => request,
            Err(message) => {
                self.dry.broken += 1;
                self.dry.broken_first.get_or_insert_with(|| format!("`{}`: {message}", row.id));
                return;
            }
        };
        let (prompt, billed) = request.measure();
        let recorded = row.recorded.as_ref().and_then(|recorded| recorded.usage);
        let unfit = [&mut self.baseline, &mut self.candidate].map(|arm| arm.see(&request, &billed, recorded).err());
        let forced = match self.options.arm {
            ArmChoice::AsRouted => None,
            ArmChoice::Forced(Arm::Baseline) => unfit[0],
            ArmChoice::Forced(Arm::Candidate) => unfit[1],
        };
        if let Some(feature) = forced {
            *self.dry.skipped.entry(feature.to_owned()).or_default() += 1;
            return;
        }
        self.dry.rows += 1;
        self.dry.session_rows += u64::from(row.session.is_some());
        self.dry.prompt_chars += prompt.total();
        let baseline = self.options.provider(Arm::Baseline).name();
        self.dry.prompt_tokens_estimate += billed.tokens(baseline, &request.model);
        match recorded {
            Some(usage) => self.dry.completion_tokens_recorded += usage.completion,
            None => self.dry.completion_unknown_rows += 1,
        }
        add_name(&mut self.dry.models, &request.model);
        if let Some(due_us) = due_us {
            self.due_us = Some((self.due_us.map_or(due_us, |(first, _)| first), due_us));
            self.peak.see(due_us);
        }
    }

    fn finish(self, selected: Selected, endless: bool) -> DryRun {
        let Self { options, mut dry, baseline, candidate, due_us, peak, .. } = self;
        let (baseline, candidate) = (baseline.preview, candidate.preview);
        if options.rate.is_open_loop() {
            // A run that goes on where another ended begins with its first request.
            let begin = |first| if dry.already_done > 0 { first } else { 0 };
            dry.span_us = Some(due_us.map_or(0, |(first, last)| last - begin(first)));
            dry.peak_per_second = Some(peak.most());
        }
        dry.cost_nanos_estimate = match options.arm {
            ArmChoice::AsRouted => None,
            ArmChoice::Forced(Arm::Baseline) => baseline.cost_if_all_priced(),
            ArmChoice::Forced(Arm::Candidate) => candidate.cost_if_all_priced(),
        };
        dry.endless = endless;
        dry.out_of_order = selected.out_of_order;
        dry.selected = selected;
        dry.refused_because = refusals(&dry, options, &candidate);
        dry.remarks = remarks(&dry, options, [&baseline, &candidate]);
        dry.baseline = baseline;
        dry.candidate = candidate;
        dry
    }
}

fn blank(options: &ReplayOptions) -> DryRun {
    DryRun {
        schema: SCHEMA.to_owned(),
        rows: 0,
        endless: false,
        selected: Selected::default(),
        out_of_order: 0,
        skipped: BTreeMap::new(),
        already_done: 0,
        too_late: 0,
        broken: 0,
        broken_first: None,
        span_us: None,
        peak_per_second: None,
        models: BTreeMap::new(),
        session_rows: 0,
        prompt_chars: 0,
        prompt_tokens_estimate: 0,
        completion_tokens_recorded: 0,
        completion_unknown_rows: 0,
        cost_nanos_estimate: None,
        baseline: ArmPreview::default(),
        candidate: ArmPreview::default(),
        budget_nanos: options.budget_nanos,
        redaction: options.redaction,
        refused_because: Vec::new(),
        remarks: Vec::new(),
    }
}

/// Counts a name, so that a log with countless names does not fill the memory.
fn add_name(names: &mut BTreeMap<String, u64>, name: &str) {
    if let Some(count) = names.get_mut(name) {
        *count += 1;
    } else if names.len() < MODELS_MAX {
        names.insert(name.to_owned(), 1);
    } else {
        *names.entry("other".to_owned()).or_default() += 1;
    }
}

fn refusals(dry: &DryRun, options: &ReplayOptions, candidate: &ArmPreview) -> Vec<String> {
    let mut refusals = Vec::new();
    if let Ok(url) = url::Url::parse(&options.target) {
        refusals.extend(allow::check(&url, Allow::of(options)).err().map(|error| error.to_string()));
    }
    if options.arm == ArmChoice::Forced(Arm::Candidate) {
        let provider = options.candidate_provider.name();
        refusals.extend(
            candidate.unmapped.keys().map(|model| ReplayError::Model { provider, model: model.clone() }.to_string()),
        );
    }
    if let Some(first) = &dry.broken_first {
        refusals.push(format!("{} rows are no requests that can be sent, the first one: {first}", dry.broken));
    }
    refusals
}

fn remarks(dry: &DryRun, options: &ReplayOptions, arms: [&ArmPreview; 2]) -> Vec<String> {
    let mut remarks = Vec::new();
    if dry.selected.displaced > 0 {
        remarks.push(format!(
            "{} rows stand too far behind their time and would be sent late, which makes the run degraded; sort the \
             log with `weighbridge records convert --sort`",
            dry.selected.displaced
        ));
    }
    if let Some(budget) = options.budget_nanos {
        let asked = match options.arm {
            ArmChoice::Forced(Arm::Baseline) => arms[0].cost_nanos_at_most,
            ArmChoice::Forced(Arm::Candidate) => arms[1].cost_nanos_at_most,
            ArmChoice::AsRouted => arms[0].cost_nanos_at_most.max(arms[1].cost_nanos_at_most),
        };
        if asked > budget {
            remarks.push(
                "the budget may end the run early: as much as that may be set aside for the requests in all".to_owned(),
            );
        }
    }
    if dry.endless {
        remarks.push("the log is played again and again until the duration is over; the numbers are of one lap".into());
    }
    if matches!(options.rate, Rate::Ramp { seconds: None, .. }) && options.duration.is_none() {
        remarks.push("the ramp ends with the log, so the log is read once more before the start to count it".into());
    }
    if options.redaction == Redaction::Full {
        remarks.push("records keep answers in full".to_owned());
    }
    remarks
}

impl DryRun {
    /// For people, in lines.
    #[must_use]
    pub fn to_text(&self) -> String {
        text::render(self)
    }
}

#[cfg(test)]
mod tests;
