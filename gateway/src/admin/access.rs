//! Who may use the admin plane: whoever shows its token, and whoever has shown it to the console.
//!
//! A session is carried by a cookie, which a browser sends along with whatever any page asks of this address. Three things
//! keep other pages out: the cookie goes with no request that another site begins (`SameSite=Strict`); what changes
//! something has to carry a header that a page of another origin cannot send without being allowed to, and nobody is;
//! and a request that the browser itself says comes from elsewhere is refused.

use super::audit::{REASON_CHARS_MAX, Who};
use super::problem;
use crate::console::SessionId;
use crate::routing::rules::cookie;
use crate::state::Shared;
use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{Extensions, HeaderMap, Method, StatusCode, header};
use lease::keys::Refusal;
use sha2::{Digest, Sha256};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use subtle::ConstantTimeEq;

/// The cookie that carries a session.
pub(crate) const COOKIE: &str = "weighbridge_session";
/// The header that only the console's own page can send.
const MARK: &str = "x-weighbridge-console";

/// How somebody was let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pass {
    pub who: Who,
    /// The session, if it was not the token itself.
    pub session: Option<SessionId>,
}

/// Why somebody was not let in.
enum Kept {
    /// Nothing was shown, or a session that is over.
    Nothing,
    /// A token that is wrong.
    Wrong,
    /// A session, by way of another page.
    Foreign,
}

pub(super) async fn authorise(State(shared): State<Arc<Shared>>, mut request: Request, next: Next) -> Response {
    if request.headers().contains_key(header::AUTHORIZATION)
        && is_guessing(&shared, request.headers(), request.extensions())
    {
        return guessing();
    }
    match admit(&shared, request.method(), request.headers(), crate::clock::now_us()) {
        Ok(pass) => {
            request.extensions_mut().insert(pass);
            next.run(request).await
        }
        Err(Kept::Foreign) => foreign(),
        Err(Kept::Nothing) => unauthorised(),
        Err(Kept::Wrong) => {
            slow_down(&shared, request.headers(), request.extensions()).await;
            unauthorised()
        }
    }
}

fn admit(shared: &Shared, method: &Method, headers: &HeaderMap, now_us: i64) -> Result<Pass, Kept> {
    if let Some(given) = headers.get(header::AUTHORIZATION) {
        let opens = is_token(shared, given.as_bytes());
        return if opens { Ok(Pass { who: Who::Token, session: None }) } else { Err(Kept::Wrong) };
    }
    let given = cookie(headers, COOKIE).ok_or(Kept::Nothing)?;
    let session = shared.console.session(given, now_us).ok_or(Kept::Nothing)?.0;
    let reads = matches!(*method, Method::GET | Method::HEAD);
    if is_foreign(headers) || !(reads || is_marked(headers)) {
        return Err(Kept::Foreign);
    }
    Ok(Pass { who: Who::Console, session: Some(session) })
}

/// Whether `Bearer TOKEN` is the right one. Compared by digest and in constant time, so that the time taken says nothing about
/// the token.
pub(crate) fn is_token(shared: &Shared, given: &[u8]) -> bool {
    let token = shared.plane.load().config.admin_token.clone();
    Sha256::digest(given).as_slice().ct_eq(Sha256::digest(token.as_bytes()).as_slice()).into()
}

/// Whether the console's own page sent it.
pub(crate) fn is_marked(headers: &HeaderMap) -> bool {
    headers.get(MARK).is_some_and(|value| value == "1")
}

/// Whether the browser says that another site's page sent it. Not every browser says so on every address; that is what the
/// mark is for.
pub(crate) fn is_foreign(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none")
}

/// A wrong token costs time, and the more of them one source has sent, the more: as with the keys of consumers.
pub(crate) async fn slow_down(shared: &Shared, headers: &HeaderMap, extensions: &Extensions) {
    let source = source(shared, headers, extensions);
    tracing::debug!(%source, "a wrong admin token");
    shared.console.refusals.wrong(Refusal::Unknown, source, crate::clock::now_us()).await;
}

/// Whether as many wrong tokens of this source wait for their answers as may. A token may be typed by people and short: a
/// source that guesses without waiting is not listened to, whatever it says. Sessions go on.
pub(crate) fn is_guessing(shared: &Shared, headers: &HeaderMap, extensions: &Extensions) -> bool {
    shared.console.refusals.is_full(source(shared, headers, extensions), crate::clock::now_us())
}

fn source(shared: &Shared, headers: &HeaderMap, extensions: &Extensions) -> IpAddr {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip());
    crate::callers::source_of(&shared.plane.load().config, headers, peer)
}

pub(crate) fn guessing() -> Response {
    let message = "too many wrong admin tokens from this address: wait until they have been answered";
    let mut response = problem(StatusCode::TOO_MANY_REQUESTS, "too_many_wrong_tokens", message);
    response.headers_mut().insert(header::RETRY_AFTER, http::HeaderValue::from_static("10"));
    response
}

pub(crate) fn unauthorised() -> Response {
    let message = "wrong or missing admin token: send `Authorization: Bearer TOKEN`";
    problem(StatusCode::UNAUTHORIZED, "invalid_api_key", message)
}

pub(crate) fn foreign() -> Response {
    let message = format!("a session changes things only from the console's own page: send the header `{MARK}: 1`");
    problem(StatusCode::FORBIDDEN, "not_the_console", message)
}

/// The reason of a change. People say why; what runs by itself may leave it out, and is cut where it says too much.
pub(super) fn reason(pass: Pass, given: &str) -> Result<String, Box<Response>> {
    let given = given.trim();
    let length = given.chars().count();
    if pass.who == Who::Console && !(1..=REASON_CHARS_MAX).contains(&length) {
        let message = format!("the reason has {length} characters: expected 1 to {REASON_CHARS_MAX}");
        return Err(Box::new(problem(StatusCode::BAD_REQUEST, "invalid_reason", message)));
    }
    Ok(given.chars().take(REASON_CHARS_MAX).collect())
}
