//! Envoy as a yardstick, if it is there: one worker thread, access log to a file, a listener that mirrors and one that does
//! not.

use crate::Trouble;
use crate::process::{self, Process, SUBJECT_CORE};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;

/// A running Envoy and its listeners.
pub(crate) struct Envoy {
    pub process: Process,
    pub plain: SocketAddr,
    pub mirror: SocketAddr,
}

pub(crate) fn is_installed() -> bool {
    process::is_installed("envoy", "--version")
}

/// Starts it; `folder` gets its files.
pub(crate) fn start(baseline: SocketAddr, candidate: SocketAddr, folder: &Path, log: &Path) -> Result<Envoy, Trouble> {
    let (plain, mirror) = (process::free_address()?, process::free_address()?);
    let access_log = folder.join("envoy-access.log").display().to_string();
    let mirrored = json!([{ "cluster": "candidate" }]);
    let config = json!({ "static_resources": {
        "listeners": [
            listener("plain", plain, &access_log, &json!([])),
            listener("mirror", mirror, &access_log, &mirrored),
        ],
        "clusters": [cluster("baseline", baseline), cluster("candidate", candidate)],
    }});
    let path = folder.join("envoy.json");
    std::fs::write(&path, config.to_string())?;
    let path = path.display().to_string();
    let words = ["envoy", "-c", &path, "--concurrency", "1", "--use-dynamic-base-id", "--log-level", "error"];
    let process = Process::start("envoy", &words.map(str::to_owned), SUBJECT_CORE, log)?.without_patience();
    Ok(Envoy { process, plain, mirror })
}

fn socket(address: SocketAddr) -> Value {
    json!({ "socket_address": { "address": address.ip().to_string(), "port_value": address.port() } })
}

fn cluster(name: &str, address: SocketAddr) -> Value {
    let limits = json!({ "max_connections": 100_000, "max_pending_requests": 100_000, "max_requests": 100_000 });
    let endpoint = json!({ "lb_endpoints": [{ "endpoint": { "address": socket(address) } }] });
    json!({
        "name": name,
        "type": "STATIC",
        "circuit_breakers": { "thresholds": [limits] },
        "load_assignment": { "cluster_name": name, "endpoints": [endpoint] },
    })
}

fn listener(name: &str, address: SocketAddr, access_log: &str, mirrored: &Value) -> Value {
    let typed = |extension: &str, mut config: Value| {
        config["@type"] = format!("type.googleapis.com/envoy.extensions.{extension}").into();
        config
    };
    let log = typed("access_loggers.file.v3.FileAccessLog", json!({ "path": access_log }));
    let router = typed("filters.http.router.v3.Router", json!({}));
    let forward = json!({ "cluster": "baseline", "timeout": "0s", "request_mirror_policies": mirrored });
    let manager = typed(
        "filters.network.http_connection_manager.v3.HttpConnectionManager",
        json!({
            "stat_prefix": name,
            "access_log": [{ "name": "envoy.access_loggers.file", "typed_config": log }],
            "http_filters": [{ "name": "envoy.filters.http.router", "typed_config": router }],
            "route_config": { "virtual_hosts": [{ "name": name, "domains": ["*"], "routes": [
                { "match": { "path": "/healthz" }, "direct_response": { "status": 200 } },
                { "match": { "prefix": "/" }, "route": forward },
            ]}]},
        }),
    );
    json!({
        "name": name,
        "address": socket(address),
        "filter_chains": [{ "filters": [
            { "name": "envoy.filters.network.http_connection_manager", "typed_config": manager },
        ]}],
    })
}
