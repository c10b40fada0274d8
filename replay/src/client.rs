//! The HTTP client, and where it may go.
//!
//! A replay sends thousands of requests; at a real provider that costs money. Targets outside this machine and
//! private networks are therefore refused until the caller allows them.

use crate::error::ReplayError;
use crate::options::{ArmChoice, ReplayOptions};
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;
use wire::provider::Provider;

/// How long an idle connection is kept.
const POOL_IDLE: Duration = Duration::from_secs(90);

/// The address that requests go to, checked against the allow-list.
///
/// The path is completed as users of OpenAI-compatible tools expect: a target that ends with `/chat/completions` is
/// taken as it is; one that ends with a version (`/v1`, `/v4`, `/beta`) gets `/chat/completions`; anything else gets
/// `/v1/chat/completions`, except a bare DeepSeek base (host `api.deepseek.com`, or DeepSeek as the forced arm's
/// provider), which gets `/chat/completions`.
///
/// # Errors
/// The target is no HTTP address, holds a password, or is remote and `allow_remote` is not set.
pub fn endpoint(options: &ReplayOptions) -> Result<Url, ReplayError> {
    let mut url = parse(&options.target)?;
    if !options.allow_remote && !is_private(&url) {
        return Err(ReplayError::Remote { host: url.host_str().unwrap_or_default().to_owned() });
    }
    let base = url.path().trim_end_matches('/').to_owned();
    let last = base.rsplit('/').next().unwrap_or_default();
    let deepseek = match options.arm {
        ArmChoice::AsRouted => false,
        ArmChoice::Forced(arm) => options.provider(arm) == Provider::DeepSeek,
    };
    let rest = if base.ends_with("/chat/completions") {
        ""
    } else if is_version(last) || (base.is_empty() && (deepseek || url.host_str() == Some("api.deepseek.com"))) {
        "/chat/completions"
    } else {
        "/v1/chat/completions"
    };
    url.set_path(&format!("{base}{rest}"));
    Ok(url)
}

fn parse(target: &str) -> Result<Url, ReplayError> {
    let wrong = |target: &str, message: &str| {
        Err(ReplayError::Target { target: target.to_owned(), message: message.to_owned() })
    };
    let url = match Url::parse(target) {
        Ok(url) => url,
        // Text that is no address may still hold a password before an `@`.
        Err(error) => return wrong(target.rsplit('@').next().unwrap_or_default(), &error.to_string()),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return wrong(url.host_str().unwrap_or_default(), "it holds a user name or password; give the API key apart");
    }
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return wrong(target, "it is no HTTP address");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return wrong(target, "it holds a query or fragment");
    }
    Ok(url)
}

fn is_version(segment: &str) -> bool {
    let digits = segment.strip_prefix('v').unwrap_or_default();
    segment == "beta" || (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Loopback, private and link-local addresses, and `localhost`. Other names may lead anywhere.
fn is_private(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_end_matches('.');
    if host == "localhost" || host.ends_with(".localhost") {
        return true;
    }
    match host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(v4)) => v4.is_loopback() || v4.is_private() || v4.is_link_local() || v4.is_unspecified(),
        Ok(IpAddr::V6(v6)) => is_private_v6(v6),
        Err(_) => false,
    }
}

fn is_private_v6(v6: Ipv6Addr) -> bool {
    v6.is_loopback() || v6.is_unspecified() || v6.is_unique_local() || v6.is_unicast_link_local()
}

/// A client with explicit deadlines that goes nowhere else: no redirects, no proxy of the system, no retries of its
/// own (a retry would hide a failure and send twice).
///
/// # Errors
/// The API key cannot be sent in a header, or the client cannot be built.
pub fn build(options: &ReplayOptions) -> Result<reqwest::Client, ReplayError> {
    let mut headers = HeaderMap::new();
    if let Some(key) = &options.api_key {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", key.expose().trim())).map_err(|_| {
            ReplayError::Options("the API key holds characters that cannot be sent in a header".to_owned())
        })?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    reqwest::Client::builder()
        .default_headers(headers)
        .user_agent(concat!("weighbridge/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(options.connect_timeout)
        .timeout(options.total_timeout)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .pool_max_idle_per_host(options.in_flight_max)
        .pool_idle_timeout(POOL_IDLE)
        .tcp_nodelay(true)
        .build()
        .map_err(|error| ReplayError::Client(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use datasets::Arm;

    fn at(target: &str, arm: ArmChoice, allow_remote: bool) -> Result<String, String> {
        let options = ReplayOptions { target: target.into(), arm, allow_remote, ..ReplayOptions::default() };
        endpoint(&options).map(|url| url.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn paths_are_completed_as_documented() {
        let candidate = ArmChoice::Forced(Arm::Candidate);
        for (target, arm, expected) in [
            ("http://127.0.0.1:8080", ArmChoice::AsRouted, "http://127.0.0.1:8080/v1/chat/completions"),
            ("http://127.0.0.1:8080/", ArmChoice::AsRouted, "http://127.0.0.1:8080/v1/chat/completions"),
            ("http://localhost/v1/", ArmChoice::AsRouted, "http://localhost/v1/chat/completions"),
            ("http://localhost/llm", ArmChoice::AsRouted, "http://localhost/llm/v1/chat/completions"),
            ("http://localhost/x/chat/completions", ArmChoice::AsRouted, "http://localhost/x/chat/completions"),
            ("http://localhost:9102", candidate, "http://localhost:9102/chat/completions"),
            ("http://localhost:9102/v1", candidate, "http://localhost:9102/v1/chat/completions"),
            ("http://localhost:9102/beta", candidate, "http://localhost:9102/beta/chat/completions"),
        ] {
            assert_eq!(at(target, arm, false).as_deref(), Ok(expected), "{target}");
        }
        let real = at("https://api.deepseek.com", ArmChoice::AsRouted, true);
        assert_eq!(real.as_deref(), Ok("https://api.deepseek.com/chat/completions"));
    }

    #[test]
    fn remote_targets_need_leave() {
        for target in [
            "https://api.openai.com/v1",
            "http://8.8.8.8",
            "http://[2001:db8::1]",
            "http://localhost.evil.com",
            "http://127.0.0.1.nip.io",
            "http://172.32.0.1",
            "http://[::ffff:8.8.8.8]",
        ] {
            let error = at(target, ArmChoice::AsRouted, false).unwrap_err();
            assert!(error.contains("--allow-remote") && error.contains("--dry-run"), "{error}");
            assert!(at(target, ArmChoice::AsRouted, true).is_ok());
        }
        for target in [
            "http://10.1.2.3",
            "http://172.16.0.1",
            "http://192.168.1.1",
            "http://[::1]:80",
            "http://[fd00::1]",
            "http://[::ffff:127.0.0.1]",
        ] {
            assert!(at(target, ArmChoice::AsRouted, false).is_ok(), "{target}");
        }
    }

    #[test]
    fn what_is_no_address_is_said_without_passwords() {
        for target in [
            "",
            "localhost:8080",
            "ftp://localhost",
            "http://u:secret@localhost",
            "http:///u:secret@",
            "http://localhost?a=1",
        ] {
            let error = at(target, ArmChoice::AsRouted, true).unwrap_err();
            assert!(error.contains("http://127.0.0.1:8080") && !error.contains("secret"), "{error}");
        }
    }
}
