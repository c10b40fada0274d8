//! Routes in a cluster.

mod credentials;
mod objects;
mod requests;
mod troubles;

use crate::api_server::{ApiServer, Shared};
use crate::fake::Fake;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use targets::{Applied, Because, Options, Plan, Target, TargetError, Wanted, Write};

/// A cluster, and a target in it.
struct Stage {
    fake: Fake,
    server: Shared,
    folder: tempfile::TempDir,
}

impl Stage {
    fn new(server: ApiServer) -> Self {
        let server = Arc::new(Mutex::new(server));
        let memory = Arc::clone(&server);
        let fake = Fake::start(move |request| memory.lock().unwrap().answer(request));
        let stage = Self { fake, server, folder: tempfile::tempdir().unwrap() };
        stage.keep("config", &kubeconfig(&stage.fake.url(""), "token: let-me-in"));
        stage
    }

    fn keep(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn options(&self, write: Write) -> Options {
        options(&self.folder.path().join("config"), write)
    }

    fn target(&self, address: &str, write: Write) -> Target {
        Target::parse(address, &self.options(write)).unwrap()
    }

    /// Reads, plans and applies.
    async fn move_to(&self, target: &Target, wanted: Wanted) -> (Plan, Result<Applied, TargetError>) {
        let found = target.read().await.unwrap();
        let plan = target.plan(&found, wanted, &because()).unwrap();
        let applied = target.apply(&plan).await;
        (plan, applied)
    }

    fn told(&self) -> Vec<String> {
        self.fake.seen().iter().map(crate::fake::Request::told).collect()
    }
}

fn options(kubeconfig: &Path, write: Write) -> Options {
    Options {
        baseline: Some("openai".into()),
        candidate: Some("deepseek".into()),
        kubeconfig: Some(kubeconfig.to_owned()),
        write,
        // What is waited for never comes in the tests that see the end of it.
        settle: Duration::from_secs(30),
        ..Options::default()
    }
}

fn kubeconfig(server: &str, user: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: main\n\
         contexts:\n- name: main\n  context: {{cluster: here, user: gate}}\n\
         clusters:\n- name: here\n  cluster:\n    server: {server}\n\
         users:\n- name: gate\n  user:\n    {user}\n"
    )
}

fn because() -> Because {
    Because { migration: "chat".into(), reason: "GO".into(), evidence: None, at: "2026-11-23T10:00:00Z".into() }
}

fn weight(weight_percent: f64) -> Wanted {
    Wanted { weight_percent, mirror_percent: None }
}
