//! Argo Rollouts, as its documents describe it: measures by the templates of `deploy/argo.yaml`, and takes the rollout through its
//! steps.

use crate::house::{House, MIGRATION, READERS, told};
use crate::yaml;
use serde_json::Value;
use std::collections::BTreeMap;

/// What a measurement, a metric or a run comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Successful,
    Failed,
    Inconclusive,
    Error,
}

/// Argo: its templates, the rollout, and which address the gateway has here.
struct Argo<'a> {
    house: &'a House,
    templates: BTreeMap<String, Value>,
    rollout: Value,
    token: String,
}

/// Where a rollout ends.
#[derive(Debug, PartialEq)]
struct Ended {
    how: &'static str,
    weight: i64,
}

impl<'a> Argo<'a> {
    fn new(house: &'a House) -> Self {
        let mut templates = BTreeMap::new();
        let mut rollout = Value::Null;
        for document in yaml::documents("argo.yaml") {
            assert_eq!(document["apiVersion"], "argoproj.io/v1alpha1");
            match document["kind"].as_str().unwrap() {
                "AnalysisTemplate" => {
                    templates.insert(document["metadata"]["name"].as_str().unwrap().to_owned(), document);
                }
                "Rollout" => rollout = document,
                kind => panic!("a {kind}"),
            }
        }
        Self { house, templates, rollout, token: READERS[0].to_owned() }
    }

    /// The only metric of a template.
    fn metric(&self, template: &str) -> &Value {
        let metrics = self.templates[template]["spec"]["metrics"].as_array().unwrap();
        assert_eq!(metrics.len(), 1);
        &metrics[0]
    }

    /// Puts arguments in, and secrets.
    fn resolved(&self, template: &str, args: &Value, text: &str) -> String {
        let mut text = text.to_owned();
        for arg in self.templates[template]["spec"]["args"].as_array().unwrap() {
            let name = arg["name"].as_str().unwrap();
            let given = args.as_array().unwrap().iter().find(|given| given["name"] == name);
            let value = match given {
                Some(given) => given["value"].as_str().unwrap(),
                None => {
                    assert_eq!(arg["valueFrom"]["secretKeyRef"]["key"], "token", "an argument without a value");
                    &self.token
                }
            };
            text = text.replace(&format!("{{{{args.{name}}}}}"), value);
        }
        assert!(!text.contains("{{"), "{text}");
        text.replace("http://weighbridge.weighbridge.svc:8081", &self.house.url(""))
    }

    /// One measurement of the web provider.
    async fn measure(&self, template: &str, args: &Value) -> Phase {
        let metric = self.metric(template);
        let web = &metric["provider"]["web"];
        assert_eq!(web["jsonPath"], "{$}", "the whole body is the result");
        let mut request = self.house.plain("GET", "").build().unwrap();
        *request.url_mut() = self.resolved(template, args, web["url"].as_str().unwrap()).parse().unwrap();
        for header in web["headers"].as_array().unwrap() {
            let value = self.resolved(template, args, header["value"].as_str().unwrap());
            let name: http::HeaderName = header["key"].as_str().unwrap().parse().unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let told = told(reqwest::RequestBuilder::from_parts(self.house.client.clone(), request)).await;
        if !(200..300).contains(&told.status) {
            return Phase::Error;
        }
        // What is no JSON counts as a success. The gateway must never answer so.
        let Ok(result) = serde_json::from_str::<Value>(&told.text) else { return Phase::Successful };
        judge(metric, &result)
    }

    /// A run of analysis at a step: measures until it is known what comes of it. `meanwhile` happens before each measurement.
    async fn analyse(&self, template: &str, args: &Value, meanwhile: &mut impl AsyncFnMut(u64)) -> Phase {
        let metric = self.metric(template);
        let limit = |name: &str, default: u64| metric.get(name).map_or(default, |limit| limit.as_u64().unwrap());
        let (mut failed, mut inconclusive, mut errors, mut successes, mut all) = (0, 0, 0, 0, 0);
        loop {
            meanwhile(all).await;
            let phase = self.measure(template, args).await;
            all += 1;
            errors = if phase == Phase::Error { errors + 1 } else { 0 };
            successes = if phase == Phase::Successful { successes + 1 } else { 0 };
            failed += u64::from(phase == Phase::Failed);
            inconclusive += u64::from(phase == Phase::Inconclusive);
            // Later ones go over earlier ones.
            let mut ended = None;
            if failed > limit("failureLimit", 0) {
                ended = Some(Phase::Failed);
            }
            if inconclusive > limit("inconclusiveLimit", 0) {
                ended = Some(Phase::Inconclusive);
            }
            if errors > limit("consecutiveErrorLimit", 4) {
                ended = Some(Phase::Error);
            }
            let wanted = limit("consecutiveSuccessLimit", 0);
            if ended.is_none() && wanted > 0 && successes >= wanted {
                ended = Some(Phase::Successful);
            }
            if ended.is_none() && metric.get("count").is_some_and(|count| all >= count.as_u64().unwrap()) {
                ended = Some(Phase::Successful);
            }
            if let Some(ended) = ended {
                return ended;
            }
            assert!(all < 1000, "it goes on for ever");
        }
    }

    /// The whole rollout. `meanwhile` gets the weight of the step and the number of the measurement at it.
    async fn roll_out(&self, mut meanwhile: impl AsyncFnMut(i64, u64)) -> Ended {
        let canary = &self.rollout["spec"]["strategy"]["canary"];
        let mut weight = 0;
        for step in canary["steps"].as_array().unwrap() {
            let (name, what) = step.as_object().unwrap().iter().next().unwrap();
            match name.as_str() {
                "setWeight" => weight = what.as_i64().unwrap(),
                "pause" => assert!(what["duration"].is_string(), "it would wait for people"),
                "analysis" => {
                    let template = what["templates"][0]["templateName"].as_str().unwrap();
                    let mut at = async |number| meanwhile(weight, number).await;
                    match self.analyse(template, &what["args"], &mut at).await {
                        Phase::Successful => {}
                        Phase::Inconclusive => return Ended { how: "paused", weight },
                        Phase::Failed | Phase::Error => return Ended { how: "aborted", weight: 0 },
                    }
                }
                step => panic!("a step {step}"),
            }
            // The one in the background measures all the time, so at each step, too.
            let background = canary["analysis"]["templates"][0]["templateName"].as_str().unwrap();
            if self.measure(background, &canary["analysis"]["args"]).await == Phase::Failed {
                return Ended { how: "aborted", weight: 0 };
            }
        }
        Ended { how: "healthy", weight: 100 }
    }
}

/// What a result comes to by the conditions of a metric.
fn judge(metric: &Value, result: &Value) -> Phase {
    let holds = |name: &str| metric.get(name).map(|condition| evaluate(condition.as_str().unwrap(), result));
    let (success, failure) = match (holds("successCondition"), holds("failureCondition")) {
        (None, None) => (true, false),
        (Some(success), None) => (success, !success),
        (None, Some(failure)) => (!failure, failure),
        (Some(success), Some(failure)) => (success, failure),
    };
    match (success, failure) {
        (_, true) => Phase::Failed,
        (true, false) => Phase::Successful,
        (false, false) => Phase::Inconclusive,
    }
}

/// The part of the language of conditions that the templates use: `result.NAME == VALUE`, joined with `&&`.
fn evaluate(condition: &str, result: &Value) -> bool {
    condition.split("&&").all(|comparison| {
        let (left, right) = comparison.split_once("==").unwrap_or_else(|| panic!("a comparison: {comparison}"));
        let member = left.trim().strip_prefix("result.").expect("a member of the result");
        let found = result.get(member).unwrap_or_else(|| panic!("{member} is not in {result}"));
        *found == serde_json::from_str::<Value>(right.trim()).expect("a JSON value")
    })
}

#[tokio::test]
async fn a_go_at_each_step_takes_the_rollout_to_its_end() {
    let house = House::build().await;
    let mut weights = Vec::new();
    let ended = Argo::new(&house)
        .roll_out(async |weight, number| {
            // The first two looks at each step are not decided yet.
            house.judge(if number < 2 { "hold" } else { "go" }).await;
            weights.push((weight, number));
        })
        .await;
    assert_eq!(ended, Ended { how: "healthy", weight: 100 });
    assert_eq!(weights, [0, 5, 25, 50].map(|weight| [0, 1, 2].map(|number| (weight, number))).concat());
    let noted = house.answers_noted().await;
    assert_eq!(noted.len(), 8, "four times wait and go, however often it asked: {noted:?}");
}

#[tokio::test]
async fn a_no_go_aborts_at_once() {
    let house = House::build().await;
    let decide = async |weight, _| house.judge(if weight < 25 { "go" } else { "no-go" }).await;
    assert_eq!(Argo::new(&house).roll_out(decide).await, Ended { how: "aborted", weight: 0 });
    house.judge("go").await;
    let decide = async |weight, _| {
        if weight == 5 {
            house.roll_back("a guard saw errors").await;
            house.judge("hold").await;
        }
    };
    assert_eq!(Argo::new(&house).roll_out(decide).await, Ended { how: "aborted", weight: 0 });
}

#[tokio::test]
async fn what_runs_in_the_background_sees_harm_and_nothing_else() {
    let house = House::build().await;
    let argo = Argo::new(&house);
    let args = serde_json::json!([{"name": "migration", "value": MIGRATION}]);
    for (decision, expected) in [("hold", Phase::Successful), ("go", Phase::Successful), ("no-go", Phase::Failed)] {
        house.judge(decision).await;
        assert_eq!(argo.measure("weighbridge-no-harm", &args).await, expected, "{decision}");
    }
}

#[tokio::test]
async fn without_proof_for_a_day_it_pauses_and_never_rises() {
    let house = House::build().await;
    let decide = async |weight, number| {
        if number == 0 {
            house.judge(if weight == 0 { "go" } else { "hold" }).await;
        }
    };
    assert_eq!(Argo::new(&house).roll_out(decide).await, Ended { how: "paused", weight: 5 });
    let old = crate::house::verdict("go", (house.gateway.epoch() - 1, 5.0), &jiff::Timestamp::now().to_string());
    house.give(&old).await;
    assert_eq!(
        Argo::new(&house).roll_out(async |_, _| ()).await,
        Ended { how: "paused", weight: 0 },
        "of another epoch"
    );
}

#[tokio::test]
async fn without_any_verdict_or_with_a_wrong_token_it_is_aborted() {
    let house = House::build().await;
    assert_eq!(Argo::new(&house).roll_out(async |_, _| ()).await, Ended { how: "aborted", weight: 0 });
    // A restart in the middle is survived if the next evaluation comes in time.
    let late = async |weight, number| {
        if weight == 0 && number == 60 {
            house.judge("go").await;
        }
    };
    assert_eq!(Argo::new(&house).roll_out(late).await, Ended { how: "healthy", weight: 100 });
    // One measurement and not ninety-one: wrong tokens are made to wait.
    let argo = Argo { token: "wrong".to_owned(), ..Argo::new(&house) };
    let args = serde_json::json!([{"name": "migration", "value": MIGRATION}]);
    assert_eq!(argo.measure("weighbridge-proof", &args).await, Phase::Error);
}

#[test]
fn a_metric_that_counts_would_pass_on_holds_so_no_template_does() {
    for document in yaml::documents("argo.yaml").iter().filter(|document| document["kind"] == "AnalysisTemplate") {
        for metric in document["spec"]["metrics"].as_array().unwrap() {
            assert!(metric.get("count").is_none(), "{metric}");
        }
    }
}
