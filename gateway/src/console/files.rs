//! The page and what it loads: embedded, so that a gateway is one file and asks nobody else.
//!
//! Browsers are told to run nothing but these files and to talk to nobody but this listener. There is no inline script and
//! no inline style, so a text that came from outside cannot become either.

use super::PAGE;
use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// A file of the page.
struct File {
    path: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
}

macro_rules! file {
    ($path:literal, $name:literal, $content_type:ident) => {
        File { path: $path, content_type: $content_type, bytes: include_bytes!(concat!("../../console/", $name)) }
    };
}

/// All of them; nothing else is served.
const FILES: &[File] = &[
    file!("/console", "index.html", HTML),
    file!("/console/app.js", "app.js", SCRIPT),
    file!("/console/api.js", "api.js", SCRIPT),
    file!("/console/arms.js", "arms.js", SCRIPT),
    file!("/console/charts.js", "charts.js", SCRIPT),
    file!("/console/dialogs.js", "dialogs.js", SCRIPT),
    file!("/console/dom.js", "dom.js", SCRIPT),
    file!("/console/format.js", "format.js", SCRIPT),
    file!("/console/guardrails.js", "guardrails.js", SCRIPT),
    file!("/console/health.js", "health.js", SCRIPT),
    file!("/console/house.js", "house.js", SCRIPT),
    file!("/console/migration.js", "migration.js", SCRIPT),
    file!("/console/series.js", "series.js", SCRIPT),
    file!("/console/stream.js", "stream.js", SCRIPT),
    file!("/console/uplot.js", "uplot.js", SCRIPT),
    file!("/console/words.js", "words.js", SCRIPT),
    file!("/console/style.css", "style.css", STYLE),
    file!("/console/uplot.css", "uplot.css", STYLE),
    file!("/console/licences.txt", "licences.txt", TEXT),
];

/// What every answer below `/console` carries.
pub(super) const HEADERS: [(HeaderName, &str); 4] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
         base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
];

/// The routes of the files. They hold no secret, so everybody may read them.
pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    FILES.iter().fold(Router::new(), |router, file| {
        let tag = format!("\"{}\"", &datasets::digest::hex(&Sha256::digest(file.bytes))[..32]);
        router.route(file.path, get(move |headers: HeaderMap| async move { answer(file, &tag, &headers) }))
    })
}

fn answer(file: &'static File, tag: &str, asked: &HeaderMap) -> Response {
    let content_type = (header::CONTENT_TYPE, HeaderValue::from_static(file.content_type));
    if file.path == PAGE {
        return ([content_type, NO_STORE], file.bytes).into_response();
    }
    let Ok(value) = HeaderValue::from_str(tag) else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    // Asked for again each time, and sent only if it is another one: a new version never runs with an old script.
    let known = asked.get(header::IF_NONE_MATCH).and_then(|known| known.to_str().ok());
    let headers = [(header::ETAG, value), (header::CACHE_CONTROL, HeaderValue::from_static("no-cache"))];
    if known.is_some_and(|known| known.split(',').any(|known| known.trim().trim_start_matches("W/") == tag)) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, [content_type], file.bytes).into_response()
}

/// Nobody keeps a copy.
pub(super) const NO_STORE: (HeaderName, HeaderValue) = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_whole_and_ask_nobody_else() {
        for file in FILES {
            assert!(!file.bytes.is_empty(), "{}", file.path);
            assert!(file.path == PAGE || file.path.starts_with("/console/"), "{}", file.path);
        }
        let page = FILES.iter().find(|file| file.path == PAGE).unwrap();
        let text = std::str::from_utf8(page.bytes).unwrap();
        for address in text.split("src=\"").skip(1).chain(text.split("href=\"").skip(1)) {
            let address = address.split('"').next().unwrap();
            let known = FILES.iter().any(|file| file.path == address) || address.starts_with('#');
            assert!(known || address.starts_with("data:"), "{address} is not served");
        }
        assert!(!text.contains("<script>") && !text.contains("style=\""), "nothing inline runs under the policy");
    }
}
