//! One call over HTTP, and its answer, read up to a bound.

use crate::upstream::PlainClient;
use bytes::Bytes;
use guard::Failure;
use guard::remote::Call;
use http::{HeaderName, HeaderValue, Method, Request, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};

/// Longest answer that is read. A verdict has a few kilobytes.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// Sends it and reads the whole answer.
///
/// # Errors
/// [`Failure::Unreachable`] without an answer or with half of one, [`Failure::Malformed`] for one that is longer than any
/// verdict.
pub(super) async fn send(client: &PlainClient, call: Call) -> Result<(u16, Bytes), Failure> {
    let request = request(call).ok_or(Failure::Unreachable)?;
    let response = client.request(request).await.map_err(|_| Failure::Unreachable)?;
    let status = response.status().as_u16();
    match Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await {
        Ok(body) => Ok((status, body.to_bytes())),
        Err(error) if error.is::<LengthLimitError>() => Err(Failure::Malformed),
        Err(_) => Err(Failure::Unreachable),
    }
}

/// `None` for what cannot be sent; the check of the configuration has then failed to say so.
fn request(call: Call) -> Option<Request<Full<Bytes>>> {
    let mut request = Request::new(Full::new(Bytes::from(call.body)));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = call.url.parse().ok()?;
    let headers = request.headers_mut();
    for (name, value) in call.headers {
        let mut value = HeaderValue::try_from(value).ok()?;
        // Keys are among them; none needs to be seen.
        value.set_sensitive(true);
        headers.insert(HeaderName::from_static(name), value);
    }
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let agent = concat!("weighbridge/", env!("CARGO_PKG_VERSION"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static(agent));
    Some(request)
}
