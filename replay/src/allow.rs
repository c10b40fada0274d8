//! Where a replay may go. Pure.
//!
//! A replay sends thousands of requests; at a provider that costs money, and at somebody else's server it is an
//! attack. Three kinds of hosts are told apart by their name alone, since what a name resolves to may change:
//!
//! - *near*: this machine and private addresses, and what the caller has named as its own. Free to call.
//! - *remote*: everything else. Needs leave and a cap on money, so that a mistake has a price that was agreed to.
//! - *known providers* are remote whatever the caller says of them.

use crate::error::ReplayError;
use crate::options::ReplayOptions;
use std::net::{IpAddr, Ipv6Addr};
use url::Url;

/// Hosts that bill for every call; a name that ends with one of them counts, too.
const PROVIDERS: [&str; 5] =
    ["openai.com", "deepseek.com", "openai.azure.com", "cognitiveservices.azure.com", "openrouter.ai"];

/// What the caller has agreed to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Allow<'a> {
    /// Remote hosts may be called (`--allow-remote`).
    pub remote: bool,
    /// Hosts of one's own, named exactly (`--allow-host`).
    pub hosts: &'a [String],
    /// There is a cap on money (`--budget-usd`).
    pub budget: bool,
}

impl<'a> Allow<'a> {
    /// What the options agree to.
    #[must_use]
    pub fn of(options: &'a ReplayOptions) -> Self {
        Self { remote: options.allow_remote, hosts: &options.allow_hosts, budget: options.budget_nanos.is_some() }
    }
}

/// Refuses a host that the caller has not agreed to.
///
/// # Errors
/// The host is remote, and leave or the cap is missing; or a known provider is named as one's own.
pub fn check(url: &Url, allow: Allow<'_>) -> Result<(), ReplayError> {
    let host = host(url);
    let named = allow.hosts.iter().any(|own| own.trim_end_matches('.').eq_ignore_ascii_case(host));
    if is_private(url) || (named && !is_provider(host)) {
        return Ok(());
    }
    if !allow.remote {
        return Err(ReplayError::Remote { host: host.to_owned() });
    }
    if !allow.budget {
        return Err(ReplayError::NoBudget { host: host.to_owned() });
    }
    Ok(())
}

fn host(url: &Url) -> &str {
    url.host_str().unwrap_or_default().trim_end_matches('.')
}

fn is_provider(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    PROVIDERS
        .iter()
        .any(|provider| host.strip_suffix(provider).is_some_and(|before| before.is_empty() || before.ends_with('.')))
}

/// Whether a host is on this machine or in a private network: loopback, private and link-local addresses, and
/// `localhost`. Other names may lead anywhere.
#[must_use]
pub fn is_private(url: &Url) -> bool {
    let host = host(url);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(url: &str, remote: bool, hosts: &[&str], budget: bool) -> Result<(), String> {
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let url = Url::parse(url).unwrap();
        check(&url, Allow { remote, hosts: &hosts, budget }).map_err(|error| error.to_string())
    }

    #[test]
    fn near_hosts_need_nothing() {
        for url in [
            "http://localhost:1",
            "http://a.localhost",
            "http://127.0.0.1",
            "http://10.1.2.3",
            "http://172.16.0.1",
            "http://192.168.1.1",
            "http://[::1]:80",
            "http://[fd00::1]",
            "http://[::ffff:127.0.0.1]",
            "http://LOCALHOST./",
        ] {
            assert_eq!(verdict(url, false, &[], false), Ok(()), "{url}");
        }
    }

    #[test]
    fn remote_hosts_need_leave_and_a_cap() {
        for url in [
            "https://api.openai.com/v1",
            "http://8.8.8.8",
            "http://[2001:db8::1]",
            "http://localhost.evil.com",
            "http://127.0.0.1.nip.io",
            "http://172.32.0.1",
            "http://[::ffff:8.8.8.8]",
        ] {
            let error = verdict(url, false, &[], true).unwrap_err();
            assert!(error.contains("--allow-remote") && error.contains("--dry-run"), "{error}");
            let error = verdict(url, true, &[], false).unwrap_err();
            assert!(error.contains("--budget-usd"), "{error}");
            assert_eq!(verdict(url, true, &[], true), Ok(()));
        }
    }

    #[test]
    fn a_host_of_ones_own_is_named_exactly_and_is_no_provider() {
        let own = ["gateway.example.org"];
        assert_eq!(verdict("https://gateway.example.org", false, &own, false), Ok(()));
        assert_eq!(verdict("https://Gateway.Example.org.:8443", false, &own, false), Ok(()));
        assert!(verdict("https://evil.gateway.example.org", false, &own, false).is_err());
        assert!(verdict("https://gateway.example.org.evil.com", false, &own, false).is_err());
        for provider in ["api.openai.com", "api.deepseek.com", "mine.openai.azure.com", "API.OpenAI.com"] {
            let url = format!("https://{provider}");
            assert!(verdict(&url, false, &[provider], false).is_err(), "{provider}");
        }
        assert_eq!(verdict("https://notopenai.com", false, &["notopenai.com"], false), Ok(()));
    }
}
