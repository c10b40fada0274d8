//! nginx as a yardstick: one worker, kept connections to the upstream, access log on, nothing else.

use crate::Trouble;
use crate::process::{self, Process, SUBJECT_CORE};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

/// A running nginx and its listeners.
pub(crate) struct Nginx {
    pub process: Process,
    pub plain: SocketAddr,
    /// Answers are not buffered, as streams need it.
    pub stream: SocketAddr,
    pub mirror: SocketAddr,
}

pub(crate) fn is_installed() -> bool {
    process::is_installed("nginx", "-v")
}

/// Starts it; `folder` gets its files.
pub(crate) fn start(baseline: SocketAddr, candidate: SocketAddr, folder: &Path, log: &Path) -> Result<Nginx, Trouble> {
    let (plain, stream, mirror) = (process::free_address()?, process::free_address()?, process::free_address()?);
    let path = folder.join("nginx.conf");
    std::fs::write(&path, text(folder, [plain, stream, mirror], baseline, candidate))?;
    let conf = path.to_str().ok_or("the folder for temporary files is no text")?.to_owned();
    let error_log = folder.join("nginx-error.log").display().to_string();
    let words = ["nginx", "-c", &conf, "-e", &error_log].map(str::to_owned);
    let mut quit = Command::new("nginx");
    quit.args(["-c", &conf, "-e", &error_log, "-s", "stop"]);
    let process = Process::start("nginx", &words, SUBJECT_CORE, log)?.quit_with(quit);
    Ok(Nginx { process, plain, stream, mirror })
}

fn text(folder: &Path, listeners: [SocketAddr; 3], baseline: SocketAddr, candidate: SocketAddr) -> String {
    let [plain, stream, mirror] = listeners;
    let folder = folder.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("  {name}_temp_path {folder}/{name};\n"))
        .concat();
    let upstream = |name: &str, address: SocketAddr| {
        format!("  upstream {name} {{ server {address}; keepalive 1024; keepalive_requests 1000000000; }}\n")
    };
    let pass = |to: &str| {
        format!(
            "proxy_pass http://{to}; proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_read_timeout 30s;"
        )
    };
    let server = |address: SocketAddr, locations: String| {
        format!(
            "  server {{ listen {address} backlog=4096;\n    location = /healthz {{ access_log off; return 200; }}\n{locations}  }}\n"
        )
    };
    [
        // The master reads the files of this run, which belong to whoever runs it.
        format!("daemon off;\nuser root;\nworker_processes 1;\npid {folder}/nginx.pid;\n"),
        "events { worker_connections 16384; }\nhttp {\n".to_owned(),
        temporary,
        format!("  access_log {folder}/access.log combined;\n  keepalive_requests 1000000000;\n"),
        upstream("baseline", baseline),
        upstream("candidate", candidate),
        server(plain, format!("    location / {{ {} }}\n", pass("baseline"))),
        server(stream, format!("    location / {{ proxy_buffering off; {} }}\n", pass("baseline"))),
        server(
            mirror,
            format!(
                "    location / {{ mirror /mirror; {} }}\n    location = /mirror {{ internal; {} }}\n",
                pass("baseline"),
                pass("candidate/chat/completions")
            ),
        ),
        "}\n".to_owned(),
    ]
    .concat()
}
