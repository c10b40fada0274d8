//! What the demo plays: requests, both vendors' answers, their behaviour, and the policy.

use crate::args;
use crate::outcome::{Exit, Failure};
use datasets::{LoggedRequest, bundled};
use evaluator::paired_answers::{self, Answer, PairedAnswers};
use mocks::{Profile, Script, ScriptAnswer};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use wire::json::Object;

/// Requests of the shadow act and of the canary act of the bundled scenarios.
const SHADOW_REQUESTS: usize = 4000;
const CANARY_REQUESTS: usize = 6000;
/// Sends a second.
const RATE_PER_SECOND: u32 = 250;

/// A scenario, loaded.
pub(super) struct Scenario {
    pub title: String,
    requests: Vec<LoggedRequest>,
    shadow_count: usize,
    pub script: Script,
    /// The same script as the text of a file for `weighbridge mock --script`.
    pub script_text: String,
    /// Behaviour of OpenAI and DeepSeek.
    pub profiles: [Profile; 2],
    /// Baseline model to candidate model.
    pub models: BTreeMap<String, String>,
    /// Policy of the verdicts, TOML.
    pub policy: String,
    /// Grades, where the answers were graded.
    pub graded: Option<PairedAnswers>,
    /// How fast requests are sent, as `weighbridge replay --rate` reads it.
    pub rate: String,
    /// An autopilot's story, in which the gateway logs what it does by itself.
    pub is_ramp: bool,
    /// What in this scenario is measured and what is made.
    pub remark: &'static str,
}

impl Scenario {
    pub(super) fn load(args: &args::Demo) -> Result<Self, Failure> {
        match args.scenario.as_str() {
            "good" => Self::bundled(args, "a candidate as good as the baseline", Profile::demo_deepseek()),
            "ramp" => Self::ramp(args),
            "regressed" => Self::bundled(args, "a candidate that fails and dawdles", Profile::regressed_deepseek()),
            path => Self::paired(args, Path::new(path)),
        }
    }

    pub(super) fn shadow_requests(&self) -> &[LoggedRequest] {
        self.requests.get(..self.shadow_count).unwrap_or(&self.requests)
    }

    /// Requests of one look after another; none is sent twice.
    pub(super) fn looks(&self) -> impl Iterator<Item = &[LoggedRequest]> {
        self.requests.chunks(self.shadow_count.max(1))
    }

    /// Requests that were not used in the shadow act: evidence counts once.
    pub(super) fn canary_requests(&self) -> Option<&[LoggedRequest]> {
        self.requests.get(self.shadow_count..).filter(|rest| !rest.is_empty())
    }

    fn bundled(args: &args::Demo, title: &str, deepseek: Profile) -> Result<Self, Failure> {
        let damaged =
            |error: String| Failure { exit: Exit::Bug, message: format!("the bundled log is damaged: {error}") };
        let log = bundled::DEMO.requests().map_err(|error| damaged(error.to_string()))?;
        let script_text = bundled::DEMO.script_text().map_err(|error| damaged(error.to_string()))?;
        let script = Script::parse(Path::new("demo.script.ndjson"), script_text.as_bytes())
            .map_err(|error| damaged(error.to_string()))?;
        let shadow_count = args.requests.unwrap_or(SHADOW_REQUESTS);
        let total = shadow_count + args.requests.unwrap_or(CANARY_REQUESTS);
        let requests = bundled::repeat(&log, total).into_iter().map(with_user).collect();
        Ok(Self {
            title: title.to_owned(),
            requests,
            shadow_count,
            script,
            script_text,
            profiles: [Profile::demo_openai(), deepseek],
            models: models([("gpt-4o-mini", "deepseek-flash"), ("gpt-4o", "deepseek-v4-pro")]),
            policy: include_str!("policy.toml").to_owned(),
            graded: None,
            is_ramp: false,
            rate: rate(args, RATE_PER_SECOND),
            remark: "Prompts and answers are the project's own; rhythm and sizes follow public traces; ten times as fast.",
        })
    }

    /// A week of an autopilot: requests of the bundled log again and again, so many for each look.
    fn ramp(args: &args::Demo) -> Result<Self, Failure> {
        let each = args.requests.unwrap_or(super::ramp::REQUESTS_EACH);
        let scenario = Self::bundled(
            &args::Demo { requests: Some(each.saturating_mul(super::ramp::LOOKS_MAX) / 2 + 1), ..args.clone() },
            "a week of an autopilot in minutes",
            Profile::demo_deepseek(),
        )?;
        Ok(Self {
            shadow_count: each,
            is_ramp: true,
            policy: include_str!("policy-ramp.toml").to_owned(),
            // As many as clients keep open: a slow machine makes the story longer, and its figures no worse.
            rate: args.rate.map_or_else(|| "max:48".to_owned(), |rate| format!("{rate}/s")),
            ..scenario
        })
    }

    fn paired(args: &args::Demo, path: &Path) -> Result<Self, Failure> {
        let answers = paired_answers::read(path, None, None).map_err(|error| {
            Failure::usage(format!("{error} (--scenario takes good, regressed, ramp, or a file of paired answers)"))
        })?;
        let mut script_text = String::new();
        let mut requests = Vec::new();
        for (index, row) in answers.rows.iter().enumerate() {
            let [openai, deepseek] = [&row.baseline, &row.candidate].map(script_answer);
            let line = json!({"prompt": row.prompt, "openai": openai, "deepseek": deepseek});
            script_text.push_str(&format!("{line}\n"));
            requests.push(request(index, row, &answers.baseline_model)?);
        }
        let script = Script::parse(path, script_text.as_bytes()).map_err(Failure::usage)?;
        requests.truncate(args.requests.unwrap_or(usize::MAX));
        let healthy = |profile: Profile| Profile { faults: mocks::Faults::default(), ..profile };
        Ok(Self {
            title: format!("{}: {} against {}", file_name(path), answers.candidate_model, answers.baseline_model),
            shadow_count: requests.len(),
            requests,
            script,
            script_text,
            profiles: [healthy(Profile::demo_openai()), healthy(Profile::demo_deepseek())],
            models: models([(answers.baseline_model.as_str(), "deepseek-flash")]),
            policy: include_str!("policy-paired.toml").to_owned(),
            graded: Some(answers),
            is_ramp: false,
            rate: rate(args, 100),
            remark: "Answers, grades and token counts are recorded; prices are today's gpt-4o and deepseek-flash; latency and \
                     errors are the mocks' own and are not judged.",
        })
    }
}

fn rate(args: &args::Demo, usual: u32) -> String {
    format!("{}/s", args.rate.unwrap_or(usual))
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

fn models<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs.into_iter().map(|(from, to)| (from.to_owned(), to.to_owned())).collect()
}

/// Names the end user, anew in each lap of the log: otherwise a repeated request would be the same request, the mocks
/// would answer it the same way, and one observation would count several times.
fn with_user(mut request: LoggedRequest) -> LoggedRequest {
    let user = request.session.as_ref().unwrap_or(&request.id);
    let text = request.body.get().to_owned();
    let edited = Object::parse(text.as_bytes()).ok().and_then(|mut body| {
        body.set_value("user", &format!("{user}/{}", request.id));
        serde_json::value::RawValue::from_string(String::from_utf8(body.to_bytes()).ok()?).ok()
    });
    if let Some(body) = edited {
        request.body = body;
    }
    request
}

fn script_answer(answer: &Answer) -> ScriptAnswer {
    ScriptAnswer {
        content: Some(answer.text.clone()),
        reasoning: Some(String::new()),
        prompt_tokens: Some(answer.prompt_tokens),
        completion_tokens: Some(answer.completion_tokens),
        cached_tokens: Some(0),
        ..ScriptAnswer::default()
    }
}

fn request(index: usize, row: &paired_answers::PairedAnswer, model: &str) -> Result<LoggedRequest, Failure> {
    let body = json!({
        "model": model,
        "messages": [{"role": "user", "content": row.prompt}],
        "temperature": 0,
        "stream": index.is_multiple_of(2),
    });
    let body = serde_json::value::to_raw_value(&body)
        .map_err(|error| Failure { exit: Exit::Bug, message: format!("a request does not serialise: {error}") })?;
    let at_us = i64::try_from(index).unwrap_or(i64::MAX).saturating_mul(10_000);
    Ok(LoggedRequest::chat(row.id.clone(), at_us, body))
}
