//! Flagger, as its documents describe it: takes the canary of `deploy/flagger.yaml` through its phases, one look at a time.

use crate::house::{House, READERS, told};
use crate::yaml;
use serde_json::{Value, json};

struct Flagger<'a> {
    house: &'a House,
    canary: Value,
    template: Value,
    token: &'static str,
    phase: &'static str,
    weight: i64,
    failed_checks: u64,
    /// Types of the hooks that were called, in order.
    called: Vec<String>,
}

impl<'a> Flagger<'a> {
    fn new(house: &'a House) -> Self {
        let [template, canary] = <[Value; 2]>::try_from(yaml::documents("flagger.yaml")).unwrap();
        assert_eq!((&template["kind"], &canary["kind"]), (&json!("MetricTemplate"), &json!("Canary")));
        let token = READERS[1];
        let (phase, weight, failed_checks, called) = ("Initialized", 0, 0, Vec::new());
        Self { house, canary, template, token, phase, weight, failed_checks, called }
    }

    fn analysis(&self) -> &Value {
        &self.canary["spec"]["analysis"]
    }

    /// Calls a hook: up to 202 is a yes.
    async fn call(&mut self, hook: &Value, metadata: Value) -> bool {
        self.called.push(hook["type"].as_str().unwrap().to_owned());
        let url = hook["url"].as_str().unwrap().replace("READ-TOKEN", self.token);
        let (scheme, rest) = url.split_once("weighbridge.weighbridge:8081").unwrap();
        let url = format!("{scheme}{}{rest}", self.house.gateway.admin_address);
        let body = json!({"name": self.canary["metadata"]["name"], "namespace": self.canary["metadata"]["namespace"],
            "phase": self.phase, "checksum": "85d557f47b", "metadata": metadata});
        let told = told(self.house.client.post(url).json(&body)).await;
        assert!(told.text.len() <= 1024, "it goes into an event: {}", told.text);
        told.status <= 202
    }

    /// Whether all hooks of a type say yes; the first no ends it.
    async fn all(&mut self, kind: &str) -> bool {
        let hooks: Vec<Value> = self.hooks(kind);
        for hook in hooks {
            if !self.call(&hook, Value::Null).await {
                self.event(&format!("Halt advancement {kind}"), "Warning").await;
                return false;
            }
        }
        true
    }

    fn hooks(&self, kind: &str) -> Vec<Value> {
        self.analysis()["webhooks"].as_array().unwrap().iter().filter(|hook| hook["type"] == kind).cloned().collect()
    }

    async fn event(&mut self, message: &str, kind: &str) {
        for hook in self.hooks("event") {
            let metadata = json!({"eventMessage": message, "eventType": kind, "timestamp": "1795435200000"});
            self.call(&hook, metadata).await;
        }
    }

    async fn roll_back(&mut self) {
        (self.phase, self.weight) = ("Failed", 0);
        self.all("post-rollout").await;
    }

    /// The metrics' checks: the value of the query lies in the range, and there is one.
    async fn metrics(&self) -> bool {
        for metric in self.analysis()["metrics"].as_array().unwrap() {
            assert_eq!(metric["templateRef"]["name"], self.template["metadata"]["name"]);
            let value = self.query(self.template["spec"]["query"].as_str().unwrap()).await;
            if value.is_none_or(|value| value < metric["thresholdRange"]["min"].as_f64().unwrap()) {
                return false;
            }
        }
        true
    }

    /// What Prometheus would make of the query, with one gateway: the product of both series that it names.
    async fn query(&self, query: &str) -> Option<f64> {
        let words: Vec<&str> = query.split_whitespace().collect();
        let [open, verdict, go, times, on, instance, migration, in_force, close] = words[..] else {
            panic!("{words:?}")
        };
        assert_eq!((open, times, on, instance, migration, close), ("min(", "*", "on", "(instance,", "migration)", ")"));
        let page = self.house.read("/metrics").await.text;
        let value = |selector: &str| {
            let line = page.lines().find(|line| line.starts_with(selector))?;
            line.rsplit_once(' ').unwrap().1.parse::<f64>().ok()
        };
        let selector = format!("{verdict}{go}");
        let in_force = format!("{in_force}{{migration=\"{}\"}}", crate::house::MIGRATION);
        Some(value(&selector)? * value(&in_force)?)
    }

    /// One look, as often as the interval says.
    async fn look(&mut self) {
        match self.phase {
            "Initialized" | "Waiting" | "Succeeded" | "Failed" => {
                if self.all("confirm-rollout").await {
                    (self.phase, self.weight, self.failed_checks) = ("Progressing", 0, 0);
                } else {
                    self.phase = "Waiting";
                }
                return;
            }
            "Promoting" => {
                (self.phase, self.weight) = ("Finalising", 0);
                return;
            }
            "Finalising" => {
                self.phase = "Succeeded";
                self.all("post-rollout").await;
                return;
            }
            _ => {}
        }
        for hook in self.hooks("rollback") {
            if self.call(&hook, Value::Null).await {
                return self.roll_back().await;
            }
        }
        if self.failed_checks >= self.analysis()["threshold"].as_u64().unwrap() {
            return self.roll_back().await;
        }
        let checked = if self.weight == 0 {
            self.all("pre-rollout").await
        } else {
            self.all("rollout").await && self.metrics().await
        };
        if !checked {
            self.failed_checks += 1;
            return;
        }
        if self.phase != "WaitingPromotion" && !self.all("confirm-traffic-increase").await {
            return;
        }
        self.advance().await;
    }

    async fn advance(&mut self) {
        let steps: Vec<i64> =
            self.analysis()["stepWeights"].as_array().unwrap().iter().map(|step| step.as_i64().unwrap()).collect();
        if let Some(next) = steps.iter().find(|step| **step > self.weight) {
            self.weight = *next;
            self.event(&format!("Advance chat.shop canary weight {next}"), "Normal").await;
        } else if self.all("confirm-promotion").await {
            self.phase = "Promoting";
        } else {
            self.phase = "WaitingPromotion";
        }
    }

    fn stands(&self) -> (&str, i64) {
        (self.phase, self.weight)
    }
}

#[tokio::test]
async fn a_go_takes_the_canary_through_every_hook_to_its_end() {
    let house = House::build().await;
    let mut flagger = Flagger::new(&house);
    for _ in 0..3 {
        flagger.look().await;
        assert_eq!(flagger.stands(), ("Waiting", 0), "nothing was judged");
    }
    house.judge("go").await;
    let mut course = Vec::new();
    while flagger.phase != "Succeeded" {
        flagger.look().await;
        course.push((flagger.phase, flagger.weight));
    }
    let progress = |weight| ("Progressing", weight);
    assert_eq!(
        course,
        [progress(0), progress(5), progress(25), progress(50), ("Promoting", 50), ("Finalising", 0), ("Succeeded", 0)]
    );
    assert_eq!(flagger.failed_checks, 0);
    for hook in gate::answer::flagger::Hook::ALL {
        assert!(flagger.called.iter().any(|called| called == hook.name()), "{} was never called", hook.name());
    }
}

#[tokio::test]
async fn a_no_go_rolls_back_with_the_next_look() {
    let house = House::build().await;
    let mut flagger = Flagger::new(&house);
    house.judge("go").await;
    while flagger.weight < 25 {
        flagger.look().await;
    }
    house.judge("no-go").await;
    flagger.look().await;
    assert_eq!(flagger.stands(), ("Failed", 0));
    assert_eq!(flagger.called.last().unwrap(), "post-rollout");
    // It does not begin again: nothing is proven.
    flagger.look().await;
    assert_eq!(flagger.stands(), ("Waiting", 0));
}

#[tokio::test]
async fn a_rollback_of_the_gateway_rolls_back_here_too() {
    let house = House::build().await;
    let mut flagger = Flagger::new(&house);
    house.judge("go").await;
    while flagger.weight < 5 {
        flagger.look().await;
    }
    house.roll_back("a guard saw errors").await;
    flagger.look().await;
    assert_eq!(flagger.stands(), ("Failed", 0));
}

#[tokio::test]
async fn a_hold_never_raises_and_ends_in_a_rollback_after_the_threshold() {
    let house = House::build().await;
    let mut flagger = Flagger::new(&house);
    house.judge("go").await;
    while flagger.weight < 5 {
        flagger.look().await;
    }
    house.judge("hold").await;
    let mut looks = 0;
    while flagger.phase == "Progressing" {
        flagger.look().await;
        looks += 1;
        assert!(flagger.weight <= 5);
    }
    assert_eq!((flagger.stands(), looks), (("Failed", 0), 145));
}

#[tokio::test]
async fn a_promotion_waits_for_its_proof() {
    let house = House::build().await;
    let mut flagger = Flagger::new(&house);
    house.judge("go").await;
    while flagger.weight < 50 {
        flagger.look().await;
    }
    // Asked by itself: with the hooks of the looks before it, a HOLD does not come so far.
    house.judge("hold").await;
    flagger.advance().await;
    assert_eq!(flagger.stands(), ("WaitingPromotion", 50));
    house.judge("go").await;
    flagger.look().await;
    assert_eq!(flagger.stands(), ("Promoting", 50));
}

#[tokio::test]
async fn a_wrong_token_is_a_no_everywhere_and_rolls_nothing_back() {
    let house = House::build().await;
    house.judge("no-go").await;
    let mut flagger = Flagger { token: "wrong", phase: "Progressing", weight: 25, ..Flagger::new(&house) };
    flagger.look().await;
    assert_eq!((flagger.stands(), flagger.failed_checks), (("Progressing", 25), 1));
}
