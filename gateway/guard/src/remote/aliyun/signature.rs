//! ACS3-HMAC-SHA256: who asks, and that nothing was changed on the way.
//!
//! Signed are the method, the path, the query, the host, the type of the body, every header of the provider's, and the hash
//! of the body; the date and a nonce among them keep a request from being sent again by somebody else.

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

const ALGORITHM: &str = "ACS3-HMAC-SHA256";

/// An access key.
pub(super) struct Signer<'a> {
    pub key_id: &'a str,
    pub key_secret: &'a str,
}

impl Signer<'_> {
    /// Value of the header `authorization`. `query` is in its canonical form: encoded and sorted. Names of headers are in
    /// lower case; all of them are signed.
    pub(super) fn authorization(
        &self,
        method: &str,
        path: &str,
        query: &str,
        headers: &[(&'static str, String)],
        body: &[u8],
    ) -> String {
        let mut sorted: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.trim())).collect();
        sorted.sort_unstable();
        let lines: String = sorted.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let names: Vec<&str> = sorted.iter().map(|(name, _)| *name).collect();
        let names = names.join(";");
        let canonical = format!("{method}\n{path}\n{query}\n{lines}\n{names}\n{}", digest(body));
        let to_sign = format!("{ALGORITHM}\n{}", digest(canonical.as_bytes()));
        let signature = self.signature(to_sign.as_bytes());
        format!("{ALGORITHM} Credential={},SignedHeaders={names},Signature={signature}", self.key_id)
    }

    fn signature(&self, to_sign: &[u8]) -> String {
        // A key of any length will do, so this is always one.
        let mac = Hmac::<Sha256>::new_from_slice(self.key_secret.as_bytes());
        mac.map(|mac| hexadecimal(&mac.chain_update(to_sign).finalize().into_bytes())).unwrap_or_default()
    }
}

/// SHA-256 in hexadecimal digits.
pub(super) fn digest(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// Such as `2026-11-23T08:00:00Z`; the beginning of time for a time that cannot be.
pub(super) fn date(now_us: i64) -> String {
    let seconds = now_us.div_euclid(1_000_000);
    Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_providers_own_example_is_signed_as_it_says() {
        let signer = Signer { key_id: "YourAccessKeyId", key_secret: "YourAccessKeySecret" };
        let headers = [
            ("x-acs-version", "2014-05-26"),
            ("host", "ecs.cn-shanghai.aliyuncs.com"),
            ("x-acs-action", "RunInstances"),
            ("x-acs-content-sha256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("x-acs-date", "2023-10-26T10:22:32Z"),
            ("x-acs-signature-nonce", "3156853299f313e23d1673dc12e1703d"),
        ];
        let headers = headers.map(|(name, value)| (name, value.to_owned()));
        let query = "ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai";
        assert_eq!(
            signer.authorization("POST", "/", query, &headers, b""),
            "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,\
             SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,\
             Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
        );
    }

    #[test]
    fn a_date_has_seconds_and_a_z() {
        assert_eq!(date(1_698_315_752_999_999), "2023-10-26T10:22:32Z");
        assert_eq!(date(0), "1970-01-01T00:00:00Z");
        assert_eq!(date(i64::MAX), "1970-01-01T00:00:00Z");
    }
}
