//! Where a replay may go: the target's address, checked, and completed for each endpoint.
//!
//! Hosts outside this machine and private networks are refused until the caller allows them ([`crate::allow`]).

use crate::allow::{self, Allow};
use crate::error::ReplayError;
use crate::options::{ArmChoice, ReplayOptions};
use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderMap, HeaderValue, Uri};
use url::Url;
use wire::Endpoint;
use wire::provider::Provider;

/// The address that requests to an endpoint go to, checked against the allow-list.
///
/// The path is completed as users of OpenAI-compatible tools expect: a target that ends with an endpoint's own path
/// (`/chat/completions`) stands for its base; one that ends with a version (`/v1`, `/v4`, `/beta`) gets the endpoint's
/// path; anything else gets `/v1` before it, except a bare DeepSeek base (host `api.deepseek.com`, or DeepSeek as the
/// forced arm's provider), which has no version.
///
/// # Errors
/// The target is no HTTP address, holds a password, or is a host that the options do not allow.
pub fn endpoint(options: &ReplayOptions, endpoint: Endpoint) -> Result<Url, ReplayError> {
    let mut url = parse(&options.target)?;
    allow::check(&url, Allow::of(options))?;
    let path = url.path().trim_end_matches('/').to_owned();
    let named = Endpoint::ALL.into_iter().find_map(|known| path.strip_suffix(known.path_below_version()));
    let base = named.unwrap_or(&path);
    let last = base.rsplit('/').next().unwrap_or_default();
    let deepseek = match options.arm {
        ArmChoice::AsRouted => false,
        ArmChoice::Forced(arm) => options.provider(arm) == Provider::DeepSeek,
    };
    let without_version = base.is_empty() && (deepseek || url.host_str() == Some("api.deepseek.com"));
    let complete = named.is_some() || is_version(last) || without_version;
    let rest = if complete { endpoint.path_below_version() } else { endpoint.path() };
    url.set_path(&format!("{base}{rest}"));
    Ok(url)
}

/// What every request of a run shares: where it goes and the headers that are always the same.
#[derive(Debug)]
pub(crate) struct Route {
    /// Scheme and host; the path is that of chat completions.
    pub(crate) target: Uri,
    pub(crate) headers: HeaderMap,
    /// Paths in the order of [`Endpoint::ALL`].
    paths: Vec<Uri>,
}

impl Route {
    /// # Errors
    /// As [`endpoint`], or the API key cannot be sent in a header.
    pub(crate) fn of(options: &ReplayOptions) -> Result<Self, ReplayError> {
        let url = endpoint(options, Endpoint::Chat)?;
        let unusable = |message: String| ReplayError::Target { target: url.to_string(), message };
        let uri = |text: &str| text.parse::<Uri>().map_err(|error| unusable(error.to_string()));
        let mut paths = Vec::with_capacity(Endpoint::ALL.len());
        for known in Endpoint::ALL {
            paths.push(uri(endpoint(options, known)?.path())?);
        }
        let target = uri(url.as_str())?;
        let authority = target.authority().map(ToString::to_string).unwrap_or_default();
        let host = HeaderValue::from_str(&authority).map_err(|error| unusable(error.to_string()))?;
        Ok(Self { target, headers: headers(options, host)?, paths })
    }

    pub(crate) fn path(&self, endpoint: Endpoint) -> Uri {
        self.paths.get(endpoint as usize).cloned().unwrap_or_default()
    }
}

fn headers(options: &ReplayOptions, host: HeaderValue) -> Result<HeaderMap, ReplayError> {
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(HOST, host);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    // Answers are read as they come, so they must not come compressed.
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.insert(USER_AGENT, HeaderValue::from_static(concat!("weighbridge/", env!("CARGO_PKG_VERSION"))));
    if let Some(key) = &options.api_key {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", key.expose().trim())).map_err(|_| {
            ReplayError::Options("the API key holds characters that cannot be sent in a header".to_owned())
        })?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    Ok(headers)
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
        return wrong(url.host_str().unwrap_or_default(), "it holds a query or fragment");
    }
    Ok(url)
}

fn is_version(segment: &str) -> bool {
    let digits = segment.strip_prefix('v').unwrap_or_default();
    segment == "beta" || (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use datasets::Arm;

    fn at(target: &str, arm: ArmChoice, allow_remote: bool) -> Result<String, String> {
        let budget_nanos = allow_remote.then_some(1);
        let options =
            ReplayOptions { target: target.into(), arm, allow_remote, budget_nanos, ..ReplayOptions::default() };
        endpoint(&options, Endpoint::Chat).map(|url| url.to_string()).map_err(|error| error.to_string())
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
    fn a_route_has_host_key_and_every_path() {
        let options = ReplayOptions {
            target: "http://localhost:81/llm".into(),
            api_key: Some(crate::ApiKey::new(" sk-1\n")),
            ..ReplayOptions::default()
        };
        let route = Route::of(&options).unwrap();
        assert_eq!(
            (route.headers[HOST].as_bytes(), route.headers[AUTHORIZATION].as_bytes()),
            (&b"localhost:81"[..], &b"Bearer sk-1"[..])
        );
        assert!(!format!("{route:?}").contains("sk-1"));
        for known in Endpoint::ALL {
            assert_eq!(route.path(known).to_string(), format!("/llm{}", known.path()));
        }
        let error = Route::of(&ReplayOptions { api_key: Some(crate::ApiKey::new("a\nb")), ..options }).unwrap_err();
        assert!(matches!(error, ReplayError::Options(_)), "{error}");
    }

    #[test]
    fn every_endpoint_has_its_path_below_the_same_base() {
        let options = |target: &str| ReplayOptions { target: target.into(), ..ReplayOptions::default() };
        for (target, base) in [
            ("http://localhost", "http://localhost/v1"),
            ("http://localhost/v1/", "http://localhost/v1"),
            ("http://localhost/x/chat/completions", "http://localhost/x"),
            ("http://localhost/x/embeddings", "http://localhost/x"),
        ] {
            for known in Endpoint::ALL {
                let url = endpoint(&options(target), known).unwrap().to_string();
                assert_eq!(url, format!("{base}{}", known.path_below_version()), "{target}");
            }
        }
    }

    #[test]
    fn remote_targets_need_leave() {
        let remote = "https://api.openai.com/v1";
        assert!(at(remote, ArmChoice::AsRouted, false).unwrap_err().contains("--allow-remote"));
        assert!(at(remote, ArmChoice::AsRouted, true).is_ok());
        let options = ReplayOptions { target: remote.into(), allow_remote: true, ..ReplayOptions::default() };
        assert!(endpoint(&options, Endpoint::Chat).unwrap_err().to_string().contains("--budget-usd"));
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
