//! The address of an admin plane.

use crate::outcome::Failure;
use reqwest::Url;
use std::net::IpAddr;

/// An HTTP address, with a path in front of the admin plane's own if it stands behind a proxy.
pub(super) fn parse(option: &str, target: &str) -> Result<Url, Failure> {
    // Text that is no address may still hold a password before an `@`: it is not repeated.
    let shown = target.rsplit('@').next().unwrap_or_default();
    let wrong = |why: &str| {
        Failure::usage(format!("{option} is `{shown}`, {why}: expected an address such as http://127.0.0.1:8081"))
    };
    let url = Url::parse(target).map_err(|error| wrong(&format!("which is none ({error})")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(wrong("which does not begin with http:// or https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("with a user name or password, which belong into the token's variable"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("with a query or fragment"));
    }
    Ok(url)
}

/// What to say if the token would travel in clear through other people's networks.
pub(super) fn warning(target: &Url) -> Option<String> {
    let host = target.host_str().unwrap_or_default();
    (target.scheme() == "http" && !is_near(host)).then(|| {
        format!("warning: the admin token goes to {host} in clear; use https, or a tunnel to the gateway's loopback")
    })
}

/// Loopback and private addresses. A name may lead anywhere, unless it is `localhost`.
fn is_near(host: &str) -> bool {
    if host == "localhost" || host.ends_with(".localhost") {
        return true;
    }
    match host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(v4)) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        Ok(IpAddr::V6(v6)) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Exit;

    #[test]
    fn what_is_no_address_is_refused_with_an_example_and_without_its_password() {
        for target in
            ["127.0.0.1:8081", "localhost:8081", "ftp://host", "", "http://", "http://a?b=c", "http://me:pw@host"]
        {
            let failure = parse("--target", target).unwrap_err();
            assert_eq!(failure.exit, Exit::Usage, "{target}");
            assert!(failure.message.contains("such as http://127.0.0.1:8081"), "{}", failure.message);
            assert!(!failure.message.contains("pw"), "{}", failure.message);
        }
    }

    #[test]
    fn a_token_in_clear_is_warned_of_beyond_private_networks() {
        for near in ["http://127.0.0.1:8081", "http://localhost:1", "http://10.0.0.3", "http://[::1]:8081/behind/proxy"]
        {
            assert_eq!(warning(&parse("--target", near).unwrap()), None, "{near}");
        }
        assert_eq!(warning(&parse("--target", "https://gateway.example.com").unwrap()), None);
        for far in ["http://gateway.example.com:8081", "http://203.0.113.9"] {
            assert!(warning(&parse("--target", far).unwrap()).unwrap().contains("in clear"), "{far}");
        }
    }
}
