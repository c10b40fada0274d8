//! Who may use the admin plane: whoever shows its token, and whoever has shown it to the console; and who may only read.
//!
//! A session is carried by a cookie, which a browser sends along with whatever any page asks of this address. Three things
//! keep other pages out: the cookie goes with no request that another site begins (`SameSite=Strict`); what changes
//! something has to carry a header that a page of another origin cannot send without being allowed to, and nobody is;
//! and a request that the browser itself says comes from elsewhere is refused.
//!
//! A token that reads opens a few addresses ([`super::router`] says which) and changes nothing: for what scrapes metrics, and for
//! other people's pipelines. It is taken as `Bearer`, or as the password of `Basic` with any name, because some callers (Flagger) can
//! send nothing but what stands in their address. The admin token is never taken as `Basic`.

use super::audit::{REASON_CHARS_MAX, Who};
use super::problem;
use crate::console::SessionId;
use crate::routing::rules::cookie;
use crate::state::Shared;
use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
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
    /// A token that reads, where it opens nothing.
    ReadOnly,
    /// A session, by way of another page.
    Foreign,
}

/// What a token that reads opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    LetIn,
    KeptOut,
}

/// Before everything that only the admin token and sessions open.
pub(super) async fn authorise(shared: State<Arc<Shared>>, request: Request, next: Next) -> Response {
    guard(shared, Reader::KeptOut, request, next).await
}

/// Before what a token that reads opens, too.
pub(super) async fn authorise_reader(shared: State<Arc<Shared>>, request: Request, next: Next) -> Response {
    guard(shared, Reader::LetIn, request, next).await
}

async fn guard(State(shared): State<Arc<Shared>>, reader: Reader, mut request: Request, next: Next) -> Response {
    if request.headers().contains_key(header::AUTHORIZATION)
        && is_guessing(&shared, request.headers(), request.extensions())
    {
        return guessing();
    }
    match admit(&shared, reader, request.method(), request.headers(), crate::clock::now_us()) {
        Ok(pass) => {
            request.extensions_mut().insert(pass);
            next.run(request).await
        }
        Err(Kept::Foreign) => foreign(),
        Err(Kept::Nothing) => unauthorised(),
        Err(Kept::ReadOnly) => read_only(),
        Err(Kept::Wrong) => {
            slow_down(&shared, request.headers(), request.extensions()).await;
            unauthorised()
        }
    }
}

fn admit(shared: &Shared, reader: Reader, method: &Method, headers: &HeaderMap, now_us: i64) -> Result<Pass, Kept> {
    if let Some(given) = headers.get(header::AUTHORIZATION) {
        if is_token(shared, given.as_bytes()) {
            return Ok(Pass { who: Who::Token, session: None });
        }
        return match is_read_token(shared, given.as_bytes()) {
            false => Err(Kept::Wrong),
            true if reader == Reader::LetIn => Ok(Pass { who: Who::Reader, session: None }),
            true => Err(Kept::ReadOnly),
        };
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
    is_same(given, shared.plane.load().config.admin_token.as_bytes())
}

/// Whether it is one of the tokens that read, as `Bearer TOKEN` or as the password of `Basic`. All of them are compared,
/// whichever it is.
fn is_read_token(shared: &Shared, given: &[u8]) -> bool {
    let plane = shared.plane.load();
    let from_basic = password(given).map(|password| [b"Bearer ".as_slice(), &password].concat());
    let given = from_basic.as_deref().unwrap_or(given);
    plane.config.read_tokens.iter().fold(false, |found, token| found | is_same(given, token.as_bytes()))
}

fn is_same(given: &[u8], token: &[u8]) -> bool {
    Sha256::digest(given).as_slice().ct_eq(Sha256::digest(token).as_slice()).into()
}

/// The password in `Basic CREDENTIALS`.
fn password(given: &[u8]) -> Option<Vec<u8>> {
    let (scheme, credentials) = given.split_at_checked(6)?;
    let decoded = STANDARD.decode(credentials.trim_ascii()).ok().filter(|_| scheme.eq_ignore_ascii_case(b"basic "))?;
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    decoded.get(colon + 1..).map(<[u8]>::to_vec)
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

fn read_only() -> Response {
    let message = "this token only reads: it opens /metrics, /gate and the state of migrations; use the admin token";
    problem(StatusCode::FORBIDDEN, "read_only_token", message)
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
