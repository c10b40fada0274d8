//! Who asks: the check of an ACS3-HMAC-SHA256 signature, as the service makes it before it reads anything else.
//!
//! What is signed: the method, the path, the query, the headers that the request names as signed, and the hash of the body.
//! Codes and statuses are those of the provider's gateway; where its texts are not public they are our own.

use std::collections::{HashSet, VecDeque};

use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};

use super::Denial;

const ALGORITHM: &str = "ACS3-HMAC-SHA256";
/// How far the client's clock may be off, seconds.
const SKEW_S: u64 = 15 * 60;
/// Nonces remembered; beyond it the oldest goes.
const NONCES_MAX: usize = 65_536;
/// What stays as it is in a canonical query.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Whom the service knows.
#[derive(Clone)]
pub(super) struct Keys {
    pub(super) id: String,
    pub(super) secret: String,
    /// The token of a temporary key, which then has to come along.
    pub(super) token: Option<String>,
}

/// A request as far as its signature covers it.
#[derive(Clone, Copy)]
pub(super) struct Signed<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a [u8],
}

/// What a valid request is accepted with, once.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Nonce(pub(super) String);

/// Nonces that were used.
#[derive(Debug, Default)]
pub(super) struct Nonces {
    known: HashSet<String>,
    order: VecDeque<String>,
}

impl Nonces {
    /// Whether the nonce is new; from now on it is not.
    pub(super) fn take(&mut self, nonce: Nonce) -> Result<(), Denial> {
        if !self.known.insert(nonce.0.clone()) {
            return Err(Denial::new(400, "SignatureNonceUsed", "The signature nonce has been used already."));
        }
        self.order.push_back(nonce.0);
        if self.order.len() > NONCES_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        Ok(())
    }
}

impl<'a> Signed<'a> {
    fn header(self, name: &str) -> Option<&'a str> {
        self.headers.get(name)?.to_str().ok().map(str::trim)
    }

    /// A header that has to be there.
    fn demanded(self, name: &str, code: &'static str) -> Result<&'a str, Denial> {
        let missing = || Denial::new(400, code, format!("The header {name} is missing."));
        self.header(name).filter(|value| !value.is_empty()).ok_or_else(missing)
    }

    /// Checks everything but whether the nonce is new. `now` is in Unix seconds.
    pub(super) fn check(self, keys: &Keys, now: u64) -> Result<Nonce, Denial> {
        let incomplete = |what: &str| Denial::new(400, "IncompleteSignature", format!("The request signature {what}."));
        let authorization = self.header("authorization").ok_or_else(|| incomplete("is missing"))?;
        let fields = authorization.strip_prefix(ALGORITHM).ok_or_else(|| incomplete("is not ACS3-HMAC-SHA256"))?;
        let field = |name: &str| {
            let of_name = |part: &'a str| part.trim().strip_prefix(name)?.strip_prefix('=');
            fields.split(',').find_map(of_name).ok_or_else(|| incomplete(&format!("lacks {name}")))
        };
        let (credential, names, signature) = (field("Credential")?, field("SignedHeaders")?, field("Signature")?);
        if credential != keys.id {
            return Err(Denial::new(404, "InvalidAccessKeyId.NotFound", "The access key id is unknown."));
        }
        let nonce = self.demanded("x-acs-signature-nonce", "MissingSignatureNonce")?;
        self.check_date(now)?;
        self.check_token(keys)?;
        let hash = hexadecimal(&Sha256::digest(self.body));
        if self.demanded("x-acs-content-sha256", "MissingContentSha256")? != hash {
            let message = "The header x-acs-content-sha256 is not the hash of the body.";
            return Err(Denial::new(400, "SignatureDoesNotMatch", message));
        }
        self.check_names(names)?;
        let own = self.signature(&keys.secret, names, &hash);
        if own.as_deref() != Some(signature) {
            let message = "Specified signature is not matched with our calculation.";
            return Err(Denial::new(400, "SignatureDoesNotMatch", message));
        }
        Ok(Nonce(nonce.to_owned()))
    }

    fn check_date(self, now: u64) -> Result<(), Denial> {
        let text = self.demanded("x-acs-date", "MissingTimestamp")?;
        let date = text.parse::<Timestamp>().ok().filter(|_| text.ends_with('Z'));
        let date = date.and_then(|date| u64::try_from(date.as_second()).ok()).ok_or_else(|| {
            Denial::new(
                400,
                "InvalidTimeStamp.Format",
                "The header x-acs-date is not of the form 2026-11-23T08:00:00Z.",
            )
        })?;
        if date.abs_diff(now) > SKEW_S {
            return Err(Denial::new(
                400,
                "InvalidTimeStamp.Expired",
                "The header x-acs-date is too far from the current time.",
            ));
        }
        Ok(())
    }

    fn check_token(self, keys: &Keys) -> Result<(), Denial> {
        let token = self.header("x-acs-security-token");
        match (&keys.token, token) {
            (Some(own), Some(token)) if own == token => Ok(()),
            (None, None) => Ok(()),
            (Some(_), None) => {
                Err(Denial::new(400, "MissingSecurityToken", "The header x-acs-security-token is missing."))
            }
            _ => Err(Denial::new(
                400,
                "InvalidSecurityToken.MismatchWithAccessKey",
                "The security token is not of this key.",
            )),
        }
    }

    /// What decides over the request has to be signed: the host, the type of the body, and everything of the provider's.
    fn check_names(self, names: &str) -> Result<(), Denial> {
        let matters = |name: &&str| *name == "host" || *name == "content-type" || name.starts_with("x-acs-");
        let present = self.headers.keys().map(http::HeaderName::as_str);
        match present.filter(matters).find(|name| !names.split(';').any(|signed| signed == *name)) {
            Some(name) => {
                Err(Denial::new(400, "IncompleteSignature", format!("The header {name} is there but not signed.")))
            }
            None => Ok(()),
        }
    }

    /// The signature over this request; `None` if a header that is named is not there or is no text.
    fn signature(self, secret: &str, names: &str, body_hash: &str) -> Option<String> {
        let mut lines = String::new();
        for name in names.split(';') {
            lines.push_str(name);
            lines.push(':');
            lines.push_str(self.header(name)?);
            lines.push('\n');
        }
        let query = canonical_query(self.query);
        let canonical = format!("{}\n{}\n{query}\n{lines}\n{names}\n{body_hash}", self.method, self.path);
        let to_sign = format!("{ALGORITHM}\n{}", hexadecimal(&Sha256::digest(canonical)));
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
        mac.update(to_sign.as_bytes());
        Some(hexadecimal(&mac.finalize().into_bytes()))
    }
}

/// The query with every name and value encoded in the one allowed way, sorted.
fn canonical_query(query: &str) -> String {
    let encode = |text: &str| utf8_percent_encode(&percent_decode_str(text).decode_utf8_lossy(), RESERVED).to_string();
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (encode(name), encode(value)))
        .collect();
    pairs.sort_unstable();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    /// 2023-10-26T10:22:32Z.
    const NOW: u64 = 1_698_315_752;

    fn keys() -> Keys {
        Keys { id: "YourAccessKeyId".to_owned(), secret: "YourAccessKeySecret".to_owned(), token: None }
    }

    /// The example of the provider's own description of the signature.
    fn example() -> HeaderMap {
        let names = "host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version";
        let signature = "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0";
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("host", "ecs.cn-shanghai.aliyuncs.com"),
            ("x-acs-action", "RunInstances"),
            ("x-acs-content-sha256", EMPTY),
            ("x-acs-date", "2023-10-26T10:22:32Z"),
            ("x-acs-signature-nonce", "3156853299f313e23d1673dc12e1703d"),
            ("x-acs-version", "2014-05-26"),
        ] {
            headers.insert(name, value.parse().unwrap());
        }
        let value = format!("{ALGORITHM} Credential=YourAccessKeyId,SignedHeaders={names},Signature={signature}");
        headers.insert("authorization", value.parse().unwrap());
        headers
    }

    fn check(headers: &HeaderMap, query: &str, body: &[u8], now: u64) -> Result<Nonce, &'static str> {
        let signed = Signed { method: "POST", path: "/", query, headers, body };
        signed.check(&keys(), now).map_err(|denial| denial.code)
    }

    const QUERY: &str = "RegionId=cn-shanghai&ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd";

    #[test]
    fn the_providers_own_example_is_valid() {
        let nonce = Nonce("3156853299f313e23d1673dc12e1703d".to_owned());
        assert_eq!(check(&example(), QUERY, b"", NOW), Ok(nonce));
        assert_eq!(check(&example(), QUERY, b"", NOW + SKEW_S).map(drop), Ok(()));
    }

    #[test]
    fn whatever_is_changed_is_noticed() {
        let changed = |name: &'static str, value: &str| {
            let mut headers = example();
            headers.insert(name, value.parse().unwrap());
            check(&headers, QUERY, b"", NOW).unwrap_err()
        };
        assert_eq!(check(&example(), "RegionId=cn-beijing", b"", NOW), Err("SignatureDoesNotMatch"));
        assert_eq!(check(&example(), QUERY, b"x", NOW), Err("SignatureDoesNotMatch"));
        assert_eq!(changed("x-acs-action", "StopInstances"), "SignatureDoesNotMatch");
        assert_eq!(changed("x-acs-signature-nonce", "other"), "SignatureDoesNotMatch");
        assert_eq!(changed("x-acs-region", "cn-shanghai"), "IncompleteSignature");
        assert_eq!(changed("content-type", "text/plain"), "IncompleteSignature");
        assert_eq!(changed("x-acs-date", "yesterday"), "InvalidTimeStamp.Format");
        assert_eq!(changed("x-acs-security-token", "sts"), "InvalidSecurityToken.MismatchWithAccessKey");
        assert_eq!(changed("authorization", "Bearer x"), "IncompleteSignature");
        assert_eq!(changed("authorization", "ACS3-HMAC-SHA256 Credential=a,Signature=b"), "IncompleteSignature");
        let stranger = "ACS3-HMAC-SHA256 Credential=a,SignedHeaders=host,Signature=b";
        assert_eq!(changed("authorization", stranger), "InvalidAccessKeyId.NotFound");
        assert_eq!(check(&example(), QUERY, b"", NOW + SKEW_S + 1), Err("InvalidTimeStamp.Expired"));
        assert_eq!(check(&example(), QUERY, b"", NOW - SKEW_S - 1), Err("InvalidTimeStamp.Expired"));
        assert_eq!(check(&HeaderMap::new(), QUERY, b"", NOW), Err("IncompleteSignature"));
    }

    #[test]
    fn a_query_has_one_canonical_form() {
        assert_eq!(canonical_query("b=%7e&a=%E4%B8%AD%20x&c"), "a=%E4%B8%AD%20x&b=~&c=");
        assert_eq!(canonical_query(""), "");
    }

    #[test]
    fn a_nonce_holds_once_and_memory_is_bounded() {
        let mut nonces = Nonces::default();
        for number in 0..=NONCES_MAX {
            assert!(nonces.take(Nonce(number.to_string())).is_ok());
        }
        assert_eq!(nonces.take(Nonce("7".to_owned())).unwrap_err().code, "SignatureNonceUsed");
        assert_eq!(nonces.known.len(), NONCES_MAX);
        assert!(nonces.take(Nonce("0".to_owned())).is_ok(), "the first one was forgotten");
    }
}
