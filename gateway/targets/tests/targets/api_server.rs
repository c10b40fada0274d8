//! A Kubernetes API server with one object: as much of its protocol as two calls need.
//!
//! What it does is what the documentation of server-side apply and of JSON Patch says: a version in an apply is a
//! precondition; an atomic list has one manager; a field that its manager's next apply leaves out is removed.

use crate::fake::{Reply, Request};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// What happens at a PATCH instead of the usual.
#[derive(Debug, Clone)]
pub(crate) enum Trouble {
    /// It answers this and does nothing.
    Says(u16, Value),
    /// It acts, and the connection is lost.
    ActsAndDrops,
    /// It acts, and its answer is no object.
    Mumbles,
    /// It does nothing, and the connection is lost.
    Drops,
    /// Somebody else sets another weight just before.
    Overtaken(u64),
    /// Somebody else sets a weight, and the connection is lost.
    OvertakenAndDrops(u64),
    /// Admission makes another weight of it.
    Alters(u64),
}

/// The server's memory.
pub(crate) struct ApiServer {
    pub object: Value,
    /// Pointer of the candidate's weight.
    pub weight: &'static str,
    /// Pointer of the atomic list, or `""` where annotations are managed.
    pub list: &'static str,
    /// Who manages it.
    pub manager: &'static str,
    pub troubles: VecDeque<Trouble>,
    /// Statuses that appear, one at each GET after the first change.
    pub statuses: VecDeque<Value>,
    changed: bool,
}

pub(crate) type Shared = Arc<Mutex<ApiServer>>;

impl ApiServer {
    pub(crate) fn new(object: Value, list: &'static str, weight: &'static str) -> Self {
        let (troubles, statuses) = (VecDeque::new(), VecDeque::new());
        Self { object, weight, list, manager: "weighbridge", troubles, statuses, changed: false }
    }

    pub(crate) fn with(mut self, trouble: Trouble) -> Self {
        self.troubles.push_back(trouble);
        self
    }

    pub(crate) fn answer(&mut self, request: &Request) -> Reply {
        if request.line.starts_with("GET ") {
            if self.changed
                && let Some(status) = self.statuses.pop_front()
            {
                self.object["status"] = status;
            }
            return Reply::Answer(200, self.object.to_string());
        }
        match self.troubles.pop_front() {
            Some(Trouble::Says(code, body)) => Reply::Answer(code, body.to_string()),
            Some(Trouble::ActsAndDrops) => {
                let Reply::Answer(200, _) = self.patch(request) else { panic!("it acts") };
                Reply::Drop
            }
            Some(Trouble::Mumbles) => {
                let Reply::Answer(200, _) = self.patch(request) else { panic!("it acts") };
                Reply::Answer(200, "{}".to_owned())
            }
            Some(Trouble::Drops) => Reply::Drop,
            Some(Trouble::Overtaken(weight)) => {
                self.set(weight);
                self.patch(request)
            }
            Some(Trouble::OvertakenAndDrops(weight)) => {
                self.set(weight);
                Reply::Drop
            }
            Some(Trouble::Alters(weight)) => {
                let Reply::Answer(200, _) = self.patch(request) else { panic!("it acts") };
                self.set(weight);
                Reply::Answer(200, self.object.to_string())
            }
            None => self.patch(request),
        }
    }

    fn set(&mut self, weight: u64) {
        let place = self.object.pointer_mut(self.weight).unwrap();
        *place = if place.is_string() { weight.to_string().into() } else { weight.into() };
        self.stored();
    }

    fn stored(&mut self) {
        self.changed = true;
        let version = self.version().parse::<u64>().unwrap() + 1;
        self.object["metadata"]["resourceVersion"] = version.to_string().into();
        let generation = self.object["metadata"]["generation"].as_i64().unwrap() + 1;
        self.object["metadata"]["generation"] = generation.into();
    }

    fn version(&self) -> String {
        self.object["metadata"]["resourceVersion"].as_str().unwrap().to_owned()
    }

    fn patch(&mut self, request: &Request) -> Reply {
        let body: Value = serde_json::from_str(&request.body).unwrap();
        let new = match request.header("content-type").unwrap() {
            "application/apply-patch+yaml" => self.apply(&body, request.line.contains("force=true")),
            "application/json-patch+json" => self.json_patch(&body),
            other => panic!("{other}"),
        };
        let new = match new {
            Ok(new) => new,
            Err(refusal) => return refusal,
        };
        if request.line.contains("dryRun=All") {
            return Reply::Answer(200, new.to_string());
        }
        self.object = new;
        self.stored();
        Reply::Answer(200, self.object.to_string())
    }

    fn apply(&self, body: &Value, force: bool) -> Result<Value, Reply> {
        if body["metadata"]["resourceVersion"] != self.version() {
            return Err(status(
                409,
                "Conflict",
                "the object has been modified; please apply your changes to the latest version",
                &json!({}),
            ));
        }
        let mut new = self.object.clone();
        let annotations = "/metadata/annotations";
        let managed = if self.list.is_empty() { annotations } else { self.list };
        let wanted = body.pointer(managed).unwrap();
        let changes = new.pointer(managed) != Some(wanted);
        if changes && self.manager != "weighbridge" && !force {
            let field = managed.replace('/', ".");
            let message =
                format!("conflict with \"{}\" using {}", self.manager, self.object["apiVersion"].as_str().unwrap());
            let causes = json!([{"reason": "FieldManagerConflict", "message": message, "field": field}]);
            let all = format!("Apply failed with 1 conflict: {message}: {field}");
            return Err(status(409, "Conflict", &all, &json!({"causes": causes})));
        }
        if self.list.is_empty() {
            let before = new.pointer_mut(annotations).unwrap().as_object_mut().unwrap();
            let ours = self.object.pointer("/metadata/managedFields/0/fieldsV1/f:metadata/f:annotations");
            for field in ours.and_then(Value::as_object).into_iter().flat_map(|fields| fields.keys()) {
                before.shift_remove(field.trim_start_matches("f:"));
            }
            before.extend(wanted.as_object().unwrap().clone());
        } else {
            *new.pointer_mut(self.list).unwrap() = wanted.clone();
        }
        Ok(new)
    }

    fn json_patch(&self, body: &Value) -> Result<Value, Reply> {
        let mut new = self.object.clone();
        for step in body.as_array().unwrap() {
            let path = step["path"].as_str().unwrap();
            match step["op"].as_str().unwrap() {
                "test" if new.pointer(path) == Some(&step["value"]) => {}
                "test" => {
                    let message = "the server rejected our request due to an error in our request";
                    return Err(status(422, "Invalid", message, &json!({})));
                }
                "replace" => *new.pointer_mut(path).unwrap() = step["value"].clone(),
                "add" => {
                    let (of, key) = path.rsplit_once('/').unwrap();
                    let key = key.replace("~1", "/").replace("~0", "~");
                    new.pointer_mut(of).unwrap().as_object_mut().unwrap().insert(key, step["value"].clone());
                }
                other => panic!("{other}"),
            }
        }
        Ok(new)
    }
}

/// A `Status` object.
pub(crate) fn failure(code: u16, reason: &str, message: &str, details: &Value) -> Value {
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message,
        "reason": reason, "details": details, "code": code,
    })
}

fn status(code: u16, reason: &str, message: &str, details: &Value) -> Reply {
    Reply::Answer(code, failure(code, reason, message, details).to_string())
}
