//! Where a call comes from, and networks it may come from.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// An address or a range of them, such as `10.0.0.0/8`. The 4-in-6 form of an address is the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network(IpNet);

impl Network {
    /// Reads an address or a range; `None` if the text is neither.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.parse::<IpNet>() {
            Ok(net) => Some(Self(net.trunc())),
            Err(_) => text.parse::<IpAddr>().ok().map(|address| Self(IpNet::from(address.to_canonical()))),
        }
    }

    /// Whether the address is in it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl TryFrom<String> for Network {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("expected an address or a range such as 10.0.0.0/8")
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

impl fmt::Display for Network {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Where a call comes from: the peer, or, if the peer is one of our own proxies, the last hop in `x-forwarded-for` that is
/// not. `forwarded` are the values of that header in their order.
///
/// Read from its end, because only what our own proxies appended is true; what stands before was written by the client. A
/// hop that is no address, or no text at all, ends the reading: the nearest known hop then counts. What the client wrote
/// before a hop never hides that hop.
#[must_use]
pub fn source<'a>(peer: IpAddr, forwarded: impl DoubleEndedIterator<Item = &'a [u8]>, trusted: &[Network]) -> IpAddr {
    let is_ours = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut nearest = peer.to_canonical();
    if trusted.is_empty() || !is_ours(nearest) {
        return nearest;
    }
    for hop in forwarded.rev().flat_map(|value| value.rsplit(|byte| *byte == b',')) {
        let Some(address) = std::str::from_utf8(hop).ok().and_then(|hop| address(hop.trim())) else { break };
        nearest = address;
        if !is_ours(nearest) {
            break;
        }
    }
    nearest
}

/// An address as proxies write it: with a port or not, in brackets or not.
fn address(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(hop);
    let found = bare.parse().or_else(|_| hop.parse::<SocketAddr>().map(|socket| socket.ip()));
    found.ok().map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(texts: &[&str]) -> Vec<Network> {
        texts.iter().map(|text| Network::parse(text).unwrap()).collect()
    }

    #[test]
    fn a_range_takes_what_lies_in_it() {
        let net = Network::parse("10.1.2.3/8").unwrap();
        assert_eq!(net.to_string(), "10.0.0.0/8");
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        assert!(net.contains(address("10.255.0.1")) && net.contains(address("::ffff:10.0.0.1")));
        assert!(!net.contains(address("11.0.0.1")) && !net.contains(address("::1")));
        assert_eq!(Network::parse("::ffff:192.0.2.1").unwrap().to_string(), "192.0.2.1/32");
        assert!(Network::parse("2001:db8::/32").unwrap().contains(address("2001:db8:1::1")));
        for wrong in ["", "10.0.0.0/33", "localhost", "10.0.0", "*"] {
            assert_eq!(Network::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn only_our_own_proxies_are_believed() {
        let trusted = networks(&["10.0.0.0/8", "::1"]);
        let of = |peer: &str, forwarded: &[&str]| {
            source(peer.parse().unwrap(), forwarded.iter().map(|value| value.as_bytes()), &trusted).to_string()
        };
        assert_eq!(of("192.0.2.9", &["203.0.113.1"]), "192.0.2.9", "the peer is nobody's proxy");
        assert_eq!(of("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(of("10.0.0.1", &["198.51.100.7, 203.0.113.1"]), "203.0.113.1", "the client wrote the first one");
        assert_eq!(of("10.0.0.1", &["198.51.100.7", "203.0.113.1:4711, 10.2.2.2"]), "203.0.113.1");
        assert_eq!(of("::1", &["[2001:db8::5]:80"]), "2001:db8::5");
        assert_eq!(of("10.0.0.1", &["198.51.100.7, unknown, 10.3.3.3"]), "10.3.3.3", "what is no address ends it");
        assert_eq!(of("10.0.0.1", &["10.9.9.9"]), "10.9.9.9", "all are ours: the first of them");
        let line: &[u8] = b"203.0.113.1";
        assert_eq!(source("10.0.0.1".parse().unwrap(), [line].into_iter(), &[]).to_string(), "10.0.0.1");
    }

    #[test]
    fn bytes_that_are_no_text_hide_no_hop_behind_them() {
        let trusted = networks(&["10.0.0.0/8"]);
        let of = |line: &[u8]| source("10.0.0.1".parse().unwrap(), [line].into_iter(), &trusted).to_string();
        assert_eq!(of(b"\xff, 203.0.113.9"), "203.0.113.9", "the client wrote the first hop, our proxy the second");
        assert_eq!(of(b"203.0.113.9, \xff, 10.2.2.2"), "10.2.2.2", "only what stands before it is not read");
    }
}
