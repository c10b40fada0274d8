//! Processes: started pinned, asked over their standard streams, read from `/proc`, and always ended.

use crate::Trouble;
use serde_json::Value;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// What is measured runs here.
pub(crate) const SUBJECT_CORE: u32 = 0;
/// Load generator and upstream share this one.
pub(crate) const OTHER_CORE: u32 = 1;

/// How long a process may take to end by itself.
const PATIENCE: Duration = Duration::from_secs(3);

/// A process that this benchmark started and will end.
pub(crate) struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    name: String,
    /// Ends the process, for those that do not end when their standard input does.
    quit: Option<Command>,
    /// How long it may take to end.
    patience: Duration,
}

/// Whether a program answers to `--version` or the like.
pub(crate) fn is_installed(program: &str, version: &str) -> bool {
    Command::new(program)
        .arg(version)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// A port that nobody uses now, for programs that cannot choose one themselves.
pub(crate) fn free_address() -> Result<SocketAddr, Trouble> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// Whether processes can be pinned to a core.
pub(crate) fn can_pin() -> bool {
    static CAN_PIN: OnceLock<bool> = OnceLock::new();
    *CAN_PIN.get_or_init(|| {
        std::thread::available_parallelism().is_ok_and(|cores| cores.get() > 1)
            && Command::new("taskset")
                .args(["-c", "0", "true"])
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|s| s.success())
    })
}

impl Process {
    /// Starts a role of this binary. The role says one line of JSON when it is ready.
    pub(crate) fn role(role: &str, spec: &impl serde::Serialize, core: u32, log: &Path) -> Result<Self, Trouble> {
        let own = std::env::current_exe()?;
        let mut words = vec![own.to_str().ok_or("the path of this binary is no text")?.to_owned()];
        words.extend(["worker".to_owned(), role.to_owned(), serde_json::to_string(spec)?]);
        Self::start(role, &words, core, log)
    }

    /// Starts a program on a core, its standard error in `log`.
    pub(crate) fn start(name: &str, words: &[String], core: u32, log: &Path) -> Result<Self, Trouble> {
        let pin: &[&str] = if can_pin() { &["taskset", "-c"] } else { &[] };
        let core = core.to_string();
        let mut all: Vec<&str> = pin.to_vec();
        if !pin.is_empty() {
            all.push(&core);
        }
        all.extend(words.iter().map(String::as_str));
        let (program, arguments) = all.split_first().ok_or("no program")?;
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::options().create(true).append(true).open(log)?)
            .spawn()
            .map_err(|error| format!("cannot start {name}: {error}"))?;
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().ok_or("no standard output")?);
        Ok(Self { child, stdin, stdout, name: name.to_owned(), quit: None, patience: PATIENCE })
    }

    pub(crate) fn quit_with(mut self, quit: Command) -> Self {
        self.quit = Some(quit);
        self
    }

    /// For a process that has nothing to tidy up.
    pub(crate) const fn without_patience(mut self) -> Self {
        self.patience = Duration::ZERO;
        self
    }

    /// The next line that it says, as JSON.
    pub(crate) fn line(&mut self) -> Result<Value, Trouble> {
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        serde_json::from_str(&line).map_err(|_| format!("{} ended or said `{}`", self.name, line.trim()).into())
    }

    /// Sends a line and reads the answer.
    pub(crate) fn ask(&mut self, question: &str) -> Result<Value, Trouble> {
        let stdin = self.stdin.as_mut().ok_or("standard input is closed")?;
        stdin.write_all(format!("{question}\n").as_bytes())?;
        self.line()
    }

    /// CPU time of the process and its children so far, nanoseconds, from the scheduler's own books. Threads that ended
    /// are not in it; no subject's threads end while it is measured.
    pub(crate) fn cpu_nanos(&self) -> Result<u64, Trouble> {
        let mut nanos = 0;
        for process in self.family() {
            for task in fs::read_dir(format!("/proc/{process}/task"))? {
                let books = fs::read_to_string(task?.path().join("schedstat"))?;
                nanos += books.split(' ').next().ok_or("schedstat is empty")?.parse::<u64>()?;
            }
        }
        Ok(nanos)
    }

    /// Resident memory of the process and its children, bytes.
    pub(crate) fn resident_bytes(&self) -> Result<u64, Trouble> {
        let mut kib = 0;
        for process in self.family() {
            let status = fs::read_to_string(format!("/proc/{process}/status"))?;
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
            kib += line.trim().trim_end_matches("kB").trim().parse::<u64>()?;
        }
        Ok(kib * 1024)
    }

    fn family(&self) -> Vec<u32> {
        let own = self.child.id();
        let children = fs::read_to_string(format!("/proc/{own}/task/{own}/children")).unwrap_or_default();
        std::iter::once(own).chain(children.split_whitespace().filter_map(|id| id.parse().ok())).collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Roles end when their standard input does.
        drop(self.stdin.take());
        if let Some(quit) = &mut self.quit {
            drop(quit.stderr(Stdio::null()).status());
        }
        let deadline = Instant::now() + self.patience;
        while Instant::now() < deadline {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        // Both fail only for a process that is gone.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
