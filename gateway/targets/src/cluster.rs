//! Routes in a Kubernetes cluster: HTTPRoute, VirtualService and Ingress, by the API server's own protocol.
//!
//! Two calls are all it takes, a GET and a PATCH of one object, so this is a thin client over the same HTTP library that
//! the rest uses, and not a framework for controllers. What weights mean in an object is not known here: the object's JSON
//! goes through the same pure functions that change files ([`crate::file`]).
//!
//! # How a change is written
//!
//! In an HTTPRoute `spec.rules` is an *atomic* list (so is `spec.http` of a VirtualService): whoever manages one weight in
//! it manages all of it. That makes the choice one of manners, not of bytes:
//!
//! * **`apply`** (the default): server-side apply of the whole list as it was read, with only the numbers changed, as
//!   manager `weighbridge`, without force. If somebody else manages the list, the server writes nothing and names them, and
//!   so do we. That is the safe default, because a silent write would be undone at the next sync of a GitOps controller, or
//!   at the next `kubectl apply`: the weight in force would then be one that nobody decided upon.
//! * **`take-over`**: the same with force. From then on the list is ours, and *their* next apply says the conflict. Right
//!   once, when people hand the weights over to the gate; afterwards `apply` does.
//! * **`patch`**: a JSON Patch that tests the version and the old numbers and replaces the numbers, for places where the
//!   rules have to stay somebody else's text. Nobody is asked.
//!
//! An Ingress is managed annotation by annotation, so there an apply owns exactly the weight. It repeats what an earlier
//! apply of ours owned, as the server would remove it otherwise.
//!
//! Every way carries the `resourceVersion` that was read: if anybody changed anything meanwhile, nothing is written.
//!
//! # What is known afterwards
//!
//! An answer says what was written, admission included; it is read like any object, so a webhook that changes weights is
//! noticed. If the answer is lost, the object is read again, and what is in force is said. For an HTTPRoute we wait, within
//! a bound, until each gateway has said of this generation that it takes it ([`settled`]).

mod access;
mod change;
mod kind;
mod kubeconfig;
mod refusal;
mod settled;

use crate::file::FileTarget;
use crate::http::{self, Answer, Unanswered};
use crate::{Applied, Found, Options, Plan, TargetError, Wanted, Write, diff, shares};
use access::Access;
use change::MANAGER;
use gate::InForce;
use kind::{Kind, Names};
use reqwest::{Method, StatusCode, Url, header};
use serde_json::Value;
use settled::Settled;
use std::time::Duration;

/// Waits between looks at the status: the first, and the longest.
const LOOK_AGAIN: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(2)];

/// See the module's text.
#[derive(Debug)]
pub struct ClusterTarget {
    kind: Kind,
    names: Names,
    namespace: String,
    name: String,
    /// As people write it.
    shown: String,
    /// What weights mean in the object's JSON.
    paper: FileTarget,
    write: Write,
    settle: Duration,
    access: Access,
    client: reqwest::Client,
}

impl ClusterTarget {
    /// From `KIND://NAMESPACE/NAME` or `KIND://NAMESPACE/NAME/RULE`; `place` is what stands behind the slashes.
    ///
    /// # Errors
    /// The address has another form, an arm is not named, or there are no credentials that can be used.
    pub(crate) fn parse(word: &str, place: &str, options: &Options) -> Result<Self, TargetError> {
        let shown = format!("{word}://{place}");
        let form = || {
            TargetError::Usage(format!(
                "`{shown}` names no object: expected {word}://NAMESPACE/NAME, and /RULE (counted from 0) behind it if \
                 several rules hold both arms"
            ))
        };
        let kind = Kind::from_word(word).ok_or_else(form)?;
        let names = kind.names();
        let parts: Vec<&str> = place.split('/').collect();
        let (namespace, name) = match parts.as_slice() {
            [namespace, name] => (*namespace, *name),
            [namespace, name, _rule] if names.list.is_some() => (*namespace, *name),
            _ => return Err(form()),
        };
        if !is_name(namespace) || !is_name(name) {
            return Err(form());
        }
        let paper = format!("{namespace}/{name}#{place}");
        let paper = FileTarget::parse(word, &paper, options.baseline.as_deref(), options.candidate.as_deref())?;
        let access = Access::find(options)?;
        let client = access.client()?;
        Ok(Self {
            kind,
            names,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            shown,
            paper,
            write: options.write,
            settle: options.settle,
            access,
            client,
        })
    }

    /// The address.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.shown
    }

    pub(crate) async fn read(&self) -> Result<Found, TargetError> {
        let answer = self.call(Method::GET, self.url(&[])?, None).await?;
        let answer = answer.map_err(|why| why.while_reading(&self.server()))?;
        self.found(&answer)
    }

    pub(crate) fn plan(&self, found: &Found, wanted: Wanted) -> Result<Plan, TargetError> {
        let old: Value = serde_json::from_str(&found.text).map_err(|_| self.no_object())?;
        let before = pretty(&change::plain(&old))?;
        let paper = self.paper.plan(&Found { in_force: found.in_force.clone(), text: before.clone() }, wanted)?;
        let new: Value = serde_json::from_str(&paper.text).map_err(|_| self.no_object())?;
        if paper.text == before {
            return Ok(Plan {
                found: found.in_force.clone(),
                wanted: paper.wanted,
                text: String::new(),
                shown: String::new(),
            });
        }
        let body = match self.write {
            Write::Apply | Write::TakeOver => change::apply(self.names, &old, &new)?,
            Write::Patch => change::patch(self.names, &change::plain(&old), &new)?,
        };
        let text = pretty(&body)?;
        let notes = paper.shown.lines().take_while(|line| line.starts_with("note: "));
        let notes: String = notes.map(|line| format!("{line}\n")).collect();
        let url = self.url(&self.query(false))?;
        let version = found.in_force.generation.as_deref().unwrap_or_default();
        let header = format!("{} (resourceVersion {version})", self.shown);
        let diff = diff::unified(&header, &before, &paper.text);
        let shown = format!("{notes}{diff}\nPATCH {url}\ncontent-type: {}\n\n{text}", self.content_type());
        Ok(Plan { found: found.in_force.clone(), wanted: paper.wanted, text, shown })
    }

    /// The API server's own dry run: validation, conflicts and admission, and nothing is stored.
    pub(crate) async fn rehearse(&self, plan: &Plan) -> Result<Vec<String>, TargetError> {
        if plan.text.is_empty() {
            return Ok(Vec::new());
        }
        let answer = self.call(Method::PATCH, self.url(&self.query(true))?, Some(plan)).await?;
        let answer = answer.map_err(|why| why.while_reading(&self.server()))?;
        if !answer.status.is_success() {
            return Err(self.refused(&answer, plan).await);
        }
        let would = self.found(&answer)?.in_force;
        let note = "the API server and its admission would take it (dryRun=All)".to_owned();
        Ok(vec![self.altered(plan, &would).unwrap_or(note)])
    }

    pub(crate) async fn apply(&self, plan: &Plan) -> Result<Applied, TargetError> {
        if plan.text.is_empty() {
            return Ok(Applied { in_force: plan.found.clone(), settled: true, notes: Vec::new() });
        }
        let url = self.url(&self.query(false))?;
        let (found, mut notes) = match self.call(Method::PATCH, url, Some(plan)).await? {
            Ok(answer) if answer.status.is_success() => match self.found(&answer) {
                Ok(found) => (found, Vec::new()),
                Err(why) => self.after_a_lost_answer(plan, &format!("its answer cannot be read: {why}")).await?,
            },
            Ok(answer) if answer.status.is_server_error() => {
                self.after_a_lost_answer(plan, &format!("it answered {}", answer.status)).await?
            }
            Ok(answer) => return Err(self.refused(&answer, plan).await),
            Err(Unanswered::Lost(why)) => self.after_a_lost_answer(plan, &why).await?,
            Err(why @ Unanswered::Unreachable(_)) => return Err(why.while_reading(&self.server())),
        };
        notes.extend(self.altered(plan, &found.in_force));
        self.settled(plan, found, notes).await
    }

    /// What the server wrote is not what was sent.
    fn altered(&self, plan: &Plan, in_force: &InForce) -> Option<String> {
        let is_wanted = shares::same(in_force.weight_percent, plan.wanted.weight_percent);
        (!is_wanted).then(|| {
            format!(
                "{}: {}% was sent, and the cluster makes {}% of it: something in its admission changes weights",
                self.shown, plan.wanted.weight_percent, in_force.weight_percent
            )
        })
    }

    /// Whether the change was made is not known: only reading again tells.
    async fn after_a_lost_answer(&self, plan: &Plan, why: &str) -> Result<(Found, Vec<String>), TargetError> {
        let found = self.read().await.map_err(|error| {
            TargetError::World(format!(
                "{}: whether the change was made is not known ({why}), and reading again did not work: {error}",
                self.shown
            ))
        })?;
        if found.in_force.generation == plan.found.generation {
            return Err(TargetError::World(format!("{}: nothing was changed: {why}; try again", self.shown)));
        }
        if !shares::same(found.in_force.weight_percent, plan.wanted.weight_percent) {
            return Err(TargetError::Changed(format!(
                "{}: {why}; now {}% is in force, by somebody else's hand",
                self.shown, found.in_force.weight_percent
            )));
        }
        let note = format!("{}: no answer came ({why}), but the change is in force", self.shown);
        Ok((found, vec![note]))
    }

    /// Waits until those who act on the route have said whether they do.
    async fn settled(&self, plan: &Plan, found: Found, mut notes: Vec<String>) -> Result<Applied, TargetError> {
        let mut found = found;
        let altered = !shares::same(found.in_force.weight_percent, plan.wanted.weight_percent);
        let object = |found: &Found| serde_json::from_str::<Value>(&found.text).unwrap_or_default();
        let generation = object(&found).pointer("/metadata/generation").and_then(Value::as_i64);
        let (Kind::HttpRoute, Some(generation)) = (self.kind, generation) else {
            return Ok(Applied { in_force: found.in_force, settled: !altered, notes });
        };
        let end = tokio::time::Instant::now() + self.settle;
        let [mut pause, pause_max] = LOOK_AGAIN;
        let settled = loop {
            let now = settled::of(&object(&found), generation);
            if !matches!(now, Settled::NotYet(_)) || tokio::time::Instant::now() + pause > end {
                break now;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(pause_max);
            match self.read().await {
                Ok(newer) => found = newer,
                // It is written; that it cannot be read for a moment does not undo it.
                Err(error) => notes.push(error.to_string()),
            }
        };
        notes.dedup();
        let accepted = matches!(settled, Settled::Yes(_));
        notes.push(match settled {
            Settled::Yes(1) => "the gateway has taken it".to_owned(),
            Settled::Yes(count) => format!("all {count} gateways have taken it"),
            Settled::No(why) => format!("written, but not taken: {}", why.join("; ")),
            Settled::NotYet(who) => format!(
                "written, but {} has not said within {} s whether it takes generation {generation}",
                who.join(", "),
                self.settle.as_secs()
            ),
        });
        let stays = shares::same(found.in_force.weight_percent, plan.wanted.weight_percent);
        if !stays && !altered {
            notes.push(format!("meanwhile somebody else has set {}%", found.in_force.weight_percent));
        }
        Ok(Applied { in_force: found.in_force, settled: accepted && stays, notes })
    }

    /// Reads an object that the server answered.
    fn found(&self, answer: &Answer) -> Result<Found, TargetError> {
        if answer.status != StatusCode::OK && answer.status != StatusCode::CREATED {
            return Err(refusal::error(&self.asked(), answer));
        }
        let object =
            answer.json().filter(|object| object["kind"] == self.names.kind).ok_or_else(|| self.no_object())?;
        let version = object.pointer("/metadata/resourceVersion").and_then(Value::as_str);
        let generation = version.map(str::to_owned).ok_or_else(|| self.no_object())?;
        let state = self.paper.found_in(&pretty(&change::plain(&object))?)?;
        let in_force = InForce { target: self.shown.clone(), generation: Some(generation), ..state };
        Ok(Found { in_force, text: pretty(&object)? })
    }

    /// The error for a refused change. A failed test of a JSON Patch has no code of its own, so it is read again.
    async fn refused(&self, answer: &Answer, plan: &Plan) -> TargetError {
        let error = refusal::error(&self.asked(), answer);
        if self.write == Write::Patch
            && answer.status == StatusCode::UNPROCESSABLE_ENTITY
            && let Ok(found) = self.read().await
            && found.in_force.generation != plan.found.generation
        {
            return TargetError::Changed(format!(
                "{}: somebody else has changed it since it was read; look again",
                self.shown
            ));
        }
        error
    }

    fn asked(&self) -> refusal::Asked<'_> {
        refusal::Asked { shown: &self.shown, names: self.names, namespace: &self.namespace, whose: &self.access.whose }
    }

    fn no_object(&self) -> TargetError {
        TargetError::Usage(format!("{} answered something that is no {}", self.server(), self.names.kind))
    }

    fn server(&self) -> String {
        format!("the API server at {} ({})", http::without_query(&self.access.server), self.access.whose)
    }

    fn content_type(&self) -> &'static str {
        match self.write {
            // JSON is YAML, and every version of API servers that can apply takes this type.
            Write::Apply | Write::TakeOver => "application/apply-patch+yaml",
            Write::Patch => "application/json-patch+json",
        }
    }

    fn query(&self, dry_run: bool) -> Vec<(&'static str, &'static str)> {
        let mut query = vec![("fieldManager", MANAGER)];
        match self.write {
            Write::Apply => query.push(("force", "false")),
            Write::TakeOver => query.push(("force", "true")),
            Write::Patch => {}
        }
        if dry_run {
            query.push(("dryRun", "All"));
        }
        query
    }

    fn url(&self, query: &[(&str, &str)]) -> Result<Url, TargetError> {
        let Names { group, version, plural, .. } = self.names;
        let mut url = self.access.server.clone();
        url.path_segments_mut()
            .map_err(|()| TargetError::Usage(format!("{} has an address without a path", self.server())))?
            .pop_if_empty()
            .extend(["apis", group, version, "namespaces", &self.namespace, plural, &self.name]);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }

    async fn call(
        &self,
        method: Method,
        url: Url,
        plan: Option<&Plan>,
    ) -> Result<Result<Answer, Unanswered>, TargetError> {
        let mut request = self.client.request(method, url).header(header::ACCEPT, "application/json");
        if let Some(authorization) = self.access.authorization()? {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        if let Some(plan) = plan {
            request = request.header(header::CONTENT_TYPE, self.content_type()).body(plan.text.clone());
        }
        Ok(http::call(request).await)
    }
}

/// Names of Kubernetes: small letters, digits, hyphens and dots.
fn is_name(text: &str) -> bool {
    let fits = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || matches!(letter, '-' | '.');
    (1..=253).contains(&text.len()) && text.chars().all(fits) && !text.starts_with(['.', '-'])
}

fn pretty(value: &Value) -> Result<String, TargetError> {
    serde_json::to_string_pretty(value)
        .map(|text| text + "\n")
        .map_err(|error| TargetError::Usage(format!("the object cannot be written as JSON: {error}")))
}
