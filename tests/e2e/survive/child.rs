//! A gateway as a process of its own, where what counts is what the system sees of it.

use crate::command::weighbridge;
use crate::harness::{Answer, TOKEN, client, read};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// It ends with the test.
pub(super) struct Served {
    child: Child,
    pub address: SocketAddr,
    admin: SocketAddr,
    pub records: PathBuf,
    folder: Option<TempDir>,
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to end.
        let _ended = self.child.kill().and_then(|()| self.child.wait().map(drop));
    }
}

/// Starts a gateway that sends everything to `baseline`, with more lines about its records; `prefix` is a shell's words
/// before it, if any are needed.
pub(super) fn serve(baseline: &str, records: &str, prefix: Option<&str>) -> Served {
    serve_in(tempfile::tempdir().unwrap(), baseline, records, prefix)
}

fn serve_in(folder: TempDir, baseline: &str, lines: &str, prefix: Option<&str>) -> Served {
    let records = folder.path().join("records.ndjson");
    let config = folder.path().join("gateway.toml");
    let text = format!(
        "server.listen = \"127.0.0.1:0\"\nadmin.listen = \"127.0.0.1:0\"\n\
         [providers.openai]\nkind = \"openai\"\nbase_url = \"{baseline}\"\napi_key_env = \"OPENAI_API_KEY\"\n\
         [providers.deepseek]\nkind = \"deepseek\"\nbase_url = \"http://127.0.0.1:9\"\napi_key_env = \"DEEPSEEK_API_KEY\"\n\
         [migrations.move]\nbaseline = \"openai\"\ncandidate = \"deepseek\"\nweight_percent = 0\n\
         models = {{ \"gpt-4o-mini\" = \"deepseek-flash\" }}\n\
         [records]\npath = \"{}\"\n{lines}\n",
        records.display()
    );
    std::fs::write(&config, text).unwrap();
    let command = weighbridge([Path::new("serve"), Path::new("--config"), &config]);
    let mut command = match prefix {
        Some(prefix) => in_shell(&command, prefix),
        None => command,
    };
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut address = || {
        let line = lines.next().expect("it prints where it listens").unwrap();
        line.split("http://").nth(1).unwrap().split('/').next().unwrap().parse().unwrap()
    };
    let (address, admin) = (address(), address());
    Served { child, address, admin, records, folder: Some(folder) }
}

/// The same command behind a shell's words.
fn in_shell(command: &Command, prefix: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("{prefix}; exec \"$@\"")).arg("sh").arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.stdin(Stdio::null());
    shell
}

impl Served {
    pub(super) fn url(&self) -> String {
        format!("http://{}/v1/chat/completions", self.address)
    }

    pub(super) async fn admin(&self, path: &str) -> Answer {
        let url = format!("http://{}{path}", self.admin);
        read(client().get(url).bearer_auth(TOKEN).send().await.unwrap()).await
    }

    /// Ends it as a power failure would, and starts another one with the same files.
    pub(super) fn kill_and_restart(mut self, baseline: &str, records: &str) -> Self {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        serve_in(self.folder.take().unwrap(), baseline, records, None)
    }

    /// A line of the system's report on its memory (`VmRSS`, `VmHWM`), bytes.
    pub(super) fn memory_bytes(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).expect("a line of that name");
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    }
}
