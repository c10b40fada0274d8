//! A real Redis of its own for each test: on a free port, in a folder of its own, killed at the end, also by a panic.
//!
//! It is installed once where it is missing and can be. Where it cannot be had, a test that needs it says so and passes;
//! `WEIGHBRIDGE_REQUIRE_REDIS` makes that a failure.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PROGRAM: &str = "redis-server";
/// How long a start may take on a busy machine.
const START_MAX: Duration = Duration::from_secs(20);
/// Another process may be faster to a port that was free a moment ago.
const PORTS_TRIED: usize = 5;

/// A server of this test alone.
pub(crate) struct RedisServer {
    port: u16,
    keeps_data: bool,
    folder: TempDir,
    process: Option<Child>,
    /// More of its options.
    more: Vec<String>,
}

impl RedisServer {
    /// A server that forgets everything when it ends; `None`, said aloud, where there is none to be had.
    pub(crate) fn start() -> Option<Self> {
        Self::start_with(false)
    }

    /// The same, or one that keeps its data over a restart.
    pub(crate) fn start_with(keeps_data: bool) -> Option<Self> {
        Self::start_as(keeps_data, &[])
    }

    /// The same with options of the program; `PORT` in them is a second free port.
    pub(crate) fn start_as(keeps_data: bool, more: &[&str]) -> Option<Self> {
        if let Err(why) = install() {
            assert!(std::env::var_os("WEIGHBRIDGE_REQUIRE_REDIS").is_none(), "no {PROGRAM}: {why}");
            say(&format!("skipped: no {PROGRAM} here: {why}"));
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let mut server = Self { port: 0, keeps_data, folder, process: None, more: Vec::new() };
        for _ in 0..PORTS_TRIED {
            server.port = free_port();
            let second = free_port().to_string();
            server.more = more.iter().map(|option| option.replace("PORT", &second)).collect();
            if server.try_start() {
                return Some(server);
            }
        }
        panic!("{PROGRAM} does not start: {}", server.log());
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// One of its options.
    pub(crate) fn option(&self, name: &str) -> &str {
        let place = self.more.iter().position(|option| option == name).expect("an option it was started with");
        &self.more[place + 1]
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Starts it again on the same port.
    pub(crate) fn restart(&mut self) {
        self.kill();
        assert!(self.try_start(), "{PROGRAM} does not start again: {}", self.log());
    }

    /// It keeps its connections and says nothing any more.
    pub(crate) fn hang(&self) {
        self.signal("-STOP");
    }

    /// It goes on as if nothing had been.
    pub(crate) fn resume(&self) {
        self.signal("-CONT");
    }

    /// Sends one command; returns what it answered, undecoded.
    pub(crate) fn tell(&self, words: &[&str]) -> String {
        let mut command = format!("*{}\r\n", words.len());
        for word in words {
            command.push_str(&format!("${}\r\n{word}\r\n", word.len()));
        }
        let mut stream = TcpStream::connect(self.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        stream.write_all(command.as_bytes()).unwrap();
        let (mut answer, mut piece) = (Vec::new(), [0; 4096]);
        loop {
            match stream.read(&mut piece) {
                Ok(0) | Err(_) if !answer.is_empty() => return String::from_utf8_lossy(&answer).into_owned(),
                Ok(length) => answer.extend_from_slice(&piece[..length]),
                Err(error) => panic!("{words:?}: {error}"),
            }
        }
    }

    fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    fn signal(&self, signal: &str) {
        let process = self.process.as_ref().expect("it runs");
        let status = Command::new("kill").args([signal, &process.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    fn try_start(&mut self) -> bool {
        let log = File::create(self.folder.path().join("log")).unwrap();
        let keeps = if self.keeps_data { "yes" } else { "no" };
        let mut process = Command::new(PROGRAM)
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", keeps])
            .args(["--appendfsync", "always", "--dir"])
            .arg(self.folder.path())
            .args(&self.more)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let begun = Instant::now();
        while begun.elapsed() < START_MAX {
            if process.try_wait().unwrap().is_some() {
                return false; // The port was taken.
            }
            if is_awake(self.address()) {
                self.process = Some(process);
                return true;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        process.kill().unwrap();
        process.wait().unwrap();
        false
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // A stopped process is killed as well.
            drop(process.kill());
            drop(process.wait());
        }
    }
}

fn is_awake(address: SocketAddr) -> bool {
    let answer = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(b"PING\r\n")?;
        let mut answer = [0; 7];
        stream.read_exact(&mut answer)?;
        // One that wants a password is awake as well.
        Ok([b"+PONG\r\n", b"-NOAUTH"].contains(&&answer))
    };
    answer().unwrap_or(false)
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// Installs the program where it is missing, once for all test processes.
fn install() -> Result<(), String> {
    let is_there = || Command::new(PROGRAM).arg("--version").output().is_ok_and(|output| output.status.success());
    if is_there() {
        return Ok(());
    }
    let lock = File::create(std::env::temp_dir().join("weighbridge-redis-install.lock")).map_err(|e| e.to_string())?;
    lock.lock().map_err(|error| error.to_string())?;
    if is_there() {
        return Ok(());
    }
    // As a program only: the package would start a service, and tests start their own. `redis-tools` holds the program,
    // but only `redis-server` brings its name.
    for arguments in
        [["update", "-qq"].as_slice(), &["install", "-y", "-qq", "--no-install-recommends", "redis-server"]]
    {
        let output = Command::new("apt-get")
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive")
            // What Debian's scripts for services obey: nothing is started.
            .env("RUNLEVEL", "1")
            .output()
            .map_err(|error| format!("apt-get: {error}"))?;
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or("no reason given").to_owned();
            return Err(format!("apt-get: {words}"));
        }
    }
    if is_there() { Ok(()) } else { Err("apt-get did not bring it".to_owned()) }
}

/// Says something past the test runner's capture. Two packages share this file, so it brings its own.
fn say(text: &str) {
    std::io::stderr().write_all(format!("{text}\n").as_bytes()).unwrap();
}
