//! Kayenta: the shape of `GET /standalone_canary_analysis/{id}`, with the judge's result inside.
//!
//! For Spinnaker's webhook stages, and for tools that draw Kayenta's results. It is a shape and not a re-enactment: nothing here is
//! scored by Kayenta's rules. A guardrail that is not proven is `Nodata` or `Error`, where Kayenta would often say `Pass`; the score is
//! the share of proven guardrails; and what passes is the verdict, whatever the score. While a verdict waits, the execution is
//! `RUNNING`, so that a stage which polls goes on polling; it ends with `SUCCEEDED` on a GO and `TERMINAL` on a NO-GO.

use super::{Answer, Judged, Rail, Says, Standing, score};
use judge::verdict::{Decision, State, Verdict};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Name under which our judge appears.
pub const JUDGE: &str = "weighbridge";

/// An execution, as Kayenta answers it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Execution {
    /// Migration.
    pub application: String,
    /// Always `anonymous`, as where nobody is named.
    pub user: &'static str,
    /// The migration and the epoch judged.
    pub pipeline_id: String,
    /// Always empty: there are no stages.
    pub stage_status: [(); 0],
    /// There is a GO or a NO-GO about what is in force.
    pub complete: bool,
    /// `SUCCEEDED`, `TERMINAL` or `RUNNING`.
    pub execution_status: &'static str,
    /// The same in small letters.
    pub status: &'static str,
    /// What was found; also while it is not complete, and then it has not passed.
    pub canary_analysis_execution_result: Findings,
    /// Newest evidence; only where it is complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_time_iso: Option<String>,
}

/// `canaryAnalysisExecutionResult`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Findings {
    /// A GO about what is in force.
    pub did_pass_thresholds: bool,
    /// Something keeps the verdict from being about what is in force.
    pub has_warnings: bool,
    /// Why, in a sentence.
    pub canary_score_message: String,
    /// One score: [`Judged::score`]; none without a verdict.
    pub canary_scores: Vec<f64>,
    /// One judgement; none without a verdict.
    pub canary_execution_results: Vec<Judgement>,
}

/// One of `canaryExecutionResults`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Judgement {
    /// As [`Execution::pipeline_id`].
    pub execution_id: String,
    /// Always `SUCCEEDED`: the judging itself came to an end.
    pub execution_status: &'static str,
    /// Holds the judge's result.
    pub result: JudgeHolder,
    /// First request judged, milliseconds since the Unix epoch.
    pub judgement_start_time_millis: i64,
    /// Last request judged.
    pub judgement_end_time_millis: i64,
    /// What keeps the verdict from being about what is in force.
    pub warnings: Vec<String>,
}

/// `result`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JudgeHolder {
    /// The judge's result.
    pub judge_result: JudgeResult,
}

/// `judgeResult`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JudgeResult {
    /// [`JUDGE`].
    pub judge_name: &'static str,
    /// One for each guardrail.
    pub results: Vec<MetricResult>,
    /// One for each part of the traffic that has guardrails which decide.
    pub group_scores: Vec<GroupScore>,
    /// All together.
    pub score: Score,
}

/// One of `results`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MetricResult {
    /// Metric.
    pub name: String,
    /// Metric and part of the traffic.
    pub id: String,
    /// Always empty.
    pub tags: Map<String, Value>,
    /// `Pass`, `High` (proven worse than its margin), `Nodata` (not decided yet) or `Error` (not decidable).
    pub classification: &'static str,
    /// Why, in a sentence.
    pub classification_reason: String,
    /// The part of the traffic.
    pub groups: [String; 1],
    /// The candidate's value.
    pub experiment_metadata: Value,
    /// The baseline's value.
    pub control_metadata: Value,
    /// Estimate, bounds and margin.
    pub result_metadata: Value,
    /// `critical`: any guardrail that fails makes a NO-GO, those that are only watched, too.
    pub criticality: &'static str,
}

/// One of `groupScores`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupScore {
    /// The part of the traffic.
    pub name: String,
    /// Share of its guardrails that decide which are proven, 0 to 100.
    pub score: f64,
    /// `Pass` if all are, else `Marginal`, or `Fail` if one has failed.
    pub classification: &'static str,
    /// How many are.
    pub classification_reason: String,
}

/// `score`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Score {
    /// [`Judged::score`].
    pub score: f64,
    /// `Pass`, `Marginal` or `Fail`: the verdict, not the score.
    pub classification: &'static str,
    /// Why.
    pub classification_reason: String,
}

/// What is answered for a migration.
#[must_use]
pub fn execution(migration: &str, judged: Option<&Judged>, standing: &Standing, answer: &Answer) -> Execution {
    let status = match answer.says {
        Says::Go => (true, "SUCCEEDED", "succeeded"),
        Says::Stop => (true, "TERMINAL", "terminal"),
        Says::Wait => (false, "RUNNING", "running"),
    };
    let epoch = judged.map_or(standing.epoch, |judged| judged.epoch);
    shaped((migration, epoch), judged, answer, status)
}

/// What is written into a file: a verdict by itself, without a gateway that knows what is in force. It is complete whatever it
/// says; a HOLD has not passed.
#[must_use]
pub fn of_verdict(verdict: &Verdict) -> Execution {
    let judged = Judged::of(verdict);
    let (says, status) = match judged.verdict {
        Decision::Go => (Says::Go, (true, "SUCCEEDED", "succeeded")),
        Decision::Hold => (Says::Wait, (true, "TERMINAL", "terminal")),
        Decision::NoGo => (Says::Stop, (true, "TERMINAL", "terminal")),
    };
    let answer = Answer { says, why: super::reasons(&judged), fits: true };
    shaped((&judged.migration, judged.epoch), Some(&judged), &answer, status)
}

fn shaped(
    (migration, epoch): (&str, u64),
    judged: Option<&Judged>,
    answer: &Answer,
    (complete, execution_status, status): (bool, &'static str, &'static str),
) -> Execution {
    let id = format!("{migration}/{epoch}");
    let judgement = |judged: &Judged| Judgement {
        execution_id: id.clone(),
        execution_status: "SUCCEEDED",
        result: JudgeHolder { judge_result: judge_result(judged) },
        judgement_start_time_millis: judged.window_us[0] / 1000,
        judgement_end_time_millis: judged.window_us[1] / 1000,
        warnings: if answer.fits { Vec::new() } else { answer.why.clone() },
    };
    Execution {
        application: migration.to_owned(),
        user: "anonymous",
        stage_status: [],
        complete,
        execution_status,
        status,
        canary_analysis_execution_result: Findings {
            did_pass_thresholds: answer.says == Says::Go,
            has_warnings: !answer.fits,
            canary_score_message: answer.why.join("; "),
            canary_scores: judged.map(Judged::score).into_iter().collect(),
            canary_execution_results: judged.map(judgement).into_iter().collect(),
        },
        end_time_iso: judged.filter(|_| complete).map(|judged| judged.created_at.clone()),
        pipeline_id: id,
    }
}

/// The judge's result.
#[must_use]
pub fn judge_result(judged: &Judged) -> JudgeResult {
    let classification = match judged.verdict {
        Decision::Go => "Pass",
        Decision::Hold => "Marginal",
        Decision::NoGo => "Fail",
    };
    JudgeResult {
        judge_name: JUDGE,
        results: judged.guardrails.iter().map(metric).collect(),
        group_scores: groups(&judged.guardrails),
        score: Score {
            score: judged.score(),
            classification,
            classification_reason: super::reasons(judged).join("; "),
        },
    }
}

fn metric(rail: &Rail) -> MetricResult {
    let [estimate, lower, upper] = rail.estimate;
    MetricResult {
        name: rail.metric.clone(),
        id: format!("{}/{}", rail.metric, rail.segment),
        tags: Map::new(),
        classification: classification(rail.state),
        classification_reason: rail.why.clone(),
        groups: [rail.segment.clone()],
        experiment_metadata: json!({"stats": {"value": rail.candidate_value, "count": rail.n}}),
        control_metadata: json!({"stats": {"value": rail.baseline_value, "count": rail.n}}),
        result_metadata: json!({"estimate": estimate, "lower": lower, "upper": upper, "margin": rail.margin,
            "decides": rail.decides}),
        criticality: "critical",
    }
}

const fn classification(state: State) -> &'static str {
    match state {
        State::Pass | State::PassRegressed => "Pass",
        State::Fail => "High",
        State::HoldInsufficient | State::Futile => "Nodata",
        State::HoldInstrument | State::HoldConflict => "Error",
    }
}

fn groups(rails: &[Rail]) -> Vec<GroupScore> {
    let mut by_segment: BTreeMap<&str, (usize, usize, bool)> = BTreeMap::new();
    for rail in rails.iter().filter(|rail| rail.decides) {
        let (proven, all, failed) = by_segment.entry(&rail.segment).or_default();
        *proven += usize::from(super::is_proven(rail.state));
        *all += 1;
        *failed |= rail.state == State::Fail;
    }
    let group = |(name, (proven, all, failed)): (&str, (usize, usize, bool))| GroupScore {
        name: name.to_owned(),
        score: score(proven, all),
        classification: if failed {
            "Fail"
        } else if proven == all {
            "Pass"
        } else {
            "Marginal"
        },
        classification_reason: format!("{proven} of {all} guardrails are proven"),
    };
    by_segment.into_iter().map(group).collect()
}
