//! What captures of HTTP have in common: who was asked, who asked, and bodies in their transfer's clothes.
//!
//! Keys and cookies never leave this file as they are: who asked is a digest of the key that was used.

use super::answered;
use super::entry::{Identity, Place};
use super::finish::raw;
use super::{ImportError, calls};
use crate::Recorded;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::io::Read;
use wire::{Endpoint, ErrorKind};

/// Most bytes that a body may have once it is unpacked.
const BODY_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Headers that hold the key of a call, the usual one first.
const KEYS: [&str; 4] = ["authorization", "api-key", "x-api-key", "x-goog-api-key"];
/// Headers by which applications name a conversation.
const SESSIONS: [&str; 4] = ["x-session-id", "x-conversation-id", "session-id", "conversation-id"];
/// Vendors, by the end of their hosts' names.
const HOSTS: [(&str, &str); 5] = [
    ("openai.azure.com", "azure"),
    ("cognitiveservices.azure.com", "azure"),
    ("openai.com", "openai"),
    ("deepseek.com", "deepseek"),
    ("anthropic.com", "anthropic"),
];

/// The value of a header, whatever the case of its name.
pub(super) fn header<'a>(headers: &[(&str, &'a str)], name: &str) -> Option<&'a str> {
    let found = headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
}

/// Who asked: the key, of which only a digest is kept.
pub(super) fn consumer(headers: &[(&str, &str)]) -> Option<Identity> {
    let key = KEYS.iter().find_map(|name| header(headers, name))?;
    let key =
        key.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map_or(key, |(_, key)| key);
    Some(Identity::Secret(key.trim().to_owned()))
}

/// The conversation, if a header names it. Nobody knows what applications put there, so a digest is kept.
pub(super) fn session(headers: &[(&str, &str)]) -> Option<Identity> {
    SESSIONS.iter().find_map(|name| header(headers, name)).map(|name| Identity::Secret(name.to_owned()))
}

/// The vendor of a host, or the host's own name.
pub(super) fn provider(host: &str) -> String {
    let host = host.trim().to_ascii_lowercase();
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let name = name.map_or(host.as_str(), |(name, _)| name);
    let vendor = HOSTS
        .into_iter()
        .find(|(end, _)| name.strip_suffix(end).is_some_and(|before| before.is_empty() || before.ends_with('.')));
    vendor.map_or(name, |(_, vendor)| vendor).to_owned()
}

/// The host of an absolute address.
pub(super) fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

/// The endpoint of a call that can be played: a POST to one that is known.
pub(super) fn endpoint(method: &str, address: &str) -> Option<Endpoint> {
    calls::endpoint(address).filter(|_| method.eq_ignore_ascii_case("POST"))
}

/// The body of a call, byte for byte, and the model that it asks for.
///
/// # Errors
/// It is no JSON object.
pub(super) fn body(place: &Place, text: &[u8]) -> Result<(Box<RawValue>, String), ImportError> {
    #[derive(Deserialize)]
    struct Asked {
        #[serde(default)]
        model: Option<String>,
    }
    let wrong =
        || place.wrong("the body of the request is no JSON object, expected the body of a call; was it cut off?");
    let text = std::str::from_utf8(text).map_err(|_| wrong())?.trim().trim_start_matches('\u{feff}');
    let asked: Asked = serde_json::from_str(text).map_err(|_| wrong())?;
    let body = raw(text.to_owned()).map_err(|_| wrong())?;
    if !text.starts_with('{') {
        return Err(wrong());
    }
    Ok((body, asked.model.unwrap_or_default()))
}

/// Fills in what an answer's body tells. One that the capture cut off is nobody's fault: what it lacks stays unknown.
pub(super) fn answer(recorded: &mut Recorded, endpoint: Endpoint, body: &[u8], complete: bool) {
    recorded.error = ErrorKind::of_status(recorded.status);
    if body.trim_ascii().is_empty() {
        return;
    }
    let mut told = recorded.clone();
    answered::fill(&mut told, endpoint, body);
    let broken = matches!(told.error, Some(ErrorKind::Malformed | ErrorKind::Truncated));
    if complete || !broken {
        *recorded = told;
    }
}

/// A body as it was before `Transfer-Encoding: chunked`, and whether its end was there.
pub(super) fn without_chunks(mut body: &[u8]) -> (Vec<u8>, bool) {
    let mut whole = Vec::with_capacity(body.len());
    loop {
        let Ok(httparse::Status::Complete((start, size))) = httparse::parse_chunk_size(body) else {
            return (whole, false);
        };
        if size == 0 {
            return (whole, true);
        }
        let rest = body.get(start..).unwrap_or_default();
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let Some(chunk) = rest.get(..size) else {
            whole.extend_from_slice(rest);
            return (whole, false);
        };
        whole.extend_from_slice(chunk);
        let rest = rest.get(size..).unwrap_or_default();
        body = rest.strip_prefix(b"\r\n").or_else(|| rest.strip_prefix(b"\n")).unwrap_or(rest);
    }
}

/// A body as it was before `Content-Encoding`, as far as it goes, and whether its end was there. `None` for an encoding
/// that cannot be undone here (`br`).
pub(super) fn unpacked(body: Vec<u8>, encoding: Option<&str>) -> Option<(Vec<u8>, bool)> {
    match encoding.unwrap_or("identity").trim().to_ascii_lowercase().as_str() {
        "identity" | "" => Some((body, true)),
        "gzip" | "x-gzip" => Some(drain(MultiGzDecoder::new(body.as_slice()))),
        "deflate" => {
            // Some servers leave out the frame that the standard asks for.
            let (framed, complete) = drain(ZlibDecoder::new(body.as_slice()));
            if complete { Some((framed, true)) } else { Some(drain(DeflateDecoder::new(body.as_slice()))) }
        }
        "zstd" => zstd::stream::read::Decoder::new(body.as_slice()).ok().map(drain),
        _ => None,
    }
}

fn drain(source: impl Read) -> (Vec<u8>, bool) {
    let mut whole = Vec::new();
    let complete = source.take(BODY_BYTES_MAX).read_to_end(&mut whole).is_ok();
    (whole, complete)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn keys_become_secrets_and_hosts_become_vendors() {
        for headers in [
            [("Authorization", "Bearer sk-1"), ("Accept", "x")],
            [("api-key", " sk-1 "), ("AUTHORIZATION", "")],
            [("x-API-key", "sk-1"), ("a", "b")],
        ] {
            assert_eq!(consumer(&headers), Some(Identity::Secret("sk-1".to_owned())));
        }
        assert_eq!(consumer(&[("cookie", "x")]), None);
        for (name, expected) in [
            ("api.openai.com", "openai"),
            ("API.DeepSeek.com:443", "deepseek"),
            ("x.openai.azure.com", "azure"),
            ("notopenai.com", "notopenai.com"),
            ("10.0.0.7:8080", "10.0.0.7"),
        ] {
            assert_eq!(provider(name), expected);
        }
        assert_eq!(host("https://user:pass@api.openai.com/v1/x?y"), "api.openai.com");
        assert_eq!(host("api.openai.com"), "api.openai.com");
    }

    #[test]
    fn chunks_are_joined_and_a_missing_end_is_told() {
        assert_eq!(without_chunks(b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"), (b"abcde".to_vec(), true));
        assert_eq!(without_chunks(b"3\r\nabc\r\n5\r\nde"), (b"abcde".to_vec(), false));
        assert_eq!(without_chunks(b"3\r\nabc\r\n"), (b"abc".to_vec(), false));
        assert_eq!(without_chunks(b"ffffffffffffffff\r\nabc"), (b"abc".to_vec(), false));
        assert_eq!(without_chunks(b"zz\r\n"), (Vec::new(), false));
    }

    #[test]
    fn encodings_are_undone_and_bombs_have_a_bound() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(b"hello").unwrap();
        let gzip = gzip.finish().unwrap();
        assert_eq!(unpacked(gzip.clone(), Some("GZIP")), Some((b"hello".to_vec(), true)));
        assert!(!unpacked(gzip[..gzip.len() - 6].to_vec(), Some("gzip")).unwrap().1);
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        zlib.write_all(b"hello").unwrap();
        assert_eq!(unpacked(zlib.finish().unwrap(), Some("deflate")), Some((b"hello".to_vec(), true)));
        let mut bare = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        bare.write_all(b"hello").unwrap();
        assert_eq!(unpacked(bare.finish().unwrap(), Some("deflate")), Some((b"hello".to_vec(), true)));
        let zstd = zstd::encode_all(&b"hello"[..], 1).unwrap();
        assert_eq!(unpacked(zstd, Some("zstd")), Some((b"hello".to_vec(), true)));
        assert_eq!(unpacked(b"x".to_vec(), Some("br")), None);
        assert_eq!(unpacked(b"x".to_vec(), None), Some((b"x".to_vec(), true)));
        let bomb = zstd::encode_all(std::io::repeat(0).take(BODY_BYTES_MAX + 5_000_000), 1).unwrap();
        assert_eq!(unpacked(bomb, Some("zstd")).unwrap().0.len() as u64, BODY_BYTES_MAX);
    }
}
