//! Where a request carries its key.

use http::{HeaderName, HeaderValue, header, request};
use std::borrow::Cow;

/// One place where a key may stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// `Authorization: Bearer KEY`.
    Bearer,
    /// A header whose value is the key.
    Header(HeaderName),
    /// A parameter of the query.
    Query(String),
}

/// What a request shows. The key is not part of its debug output.
#[derive(PartialEq, Eq)]
pub(crate) enum Presented<'a> {
    /// No key.
    Nothing,
    /// One key, perhaps in several places.
    One(Cow<'a, str>),
    /// Different keys, or something that cannot be one.
    Several,
}

/// The key of a request. All sources are looked at, and all values of each: a request that shows two different keys could
/// otherwise be taken for one caller here and for another one elsewhere.
pub(crate) fn key<'a>(sources: &[KeySource], parts: &'a request::Parts) -> Presented<'a> {
    let mut shown = Presented::Nothing;
    for source in sources {
        match source {
            KeySource::Bearer => {
                let values = parts.headers.get_all(header::AUTHORIZATION);
                values.iter().filter_map(bearer).for_each(|key| shown.add(key.map(Cow::Borrowed)));
            }
            KeySource::Header(name) => {
                let values = parts.headers.get_all(name);
                values.iter().for_each(|value| shown.add(text(value).map(Cow::Borrowed)));
            }
            KeySource::Query(name) => {
                let query = parts.uri.query().unwrap_or_default();
                let pairs = form_urlencoded::parse(query.as_bytes());
                pairs.filter(|(key, _)| key == name).for_each(|(_, key)| shown.add(Some(key)));
            }
        }
    }
    shown
}

impl<'a> Presented<'a> {
    /// One more; `None` if it cannot be read.
    fn add(&mut self, key: Option<Cow<'a, str>>) {
        let next = match (&*self, key) {
            (_, Some(key)) if key.is_empty() => return,
            (Self::Nothing, Some(key)) => Self::One(key),
            (Self::One(one), Some(key)) if *one == key => return,
            _ => Self::Several,
        };
        *self = next;
    }
}

/// The key behind `Bearer`; nothing if it is another scheme's.
fn bearer(value: &HeaderValue) -> Option<Option<&str>> {
    let bytes = value.as_bytes();
    let scheme = bytes.get(..7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| text(value).map(|text| text.get(7..).unwrap_or_default().trim()))
}

fn text(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok().map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn sources() -> Vec<KeySource> {
        let header = |name| KeySource::Header(HeaderName::from_static(name));
        vec![KeySource::Bearer, header("x-api-key"), header("api-key"), KeySource::Query("api_key".to_owned())]
    }

    fn shown(uri: &str, headers: &[(&str, &str)]) -> String {
        let mut request = Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        match key(&sources(), &parts) {
            Presented::Nothing => "nothing".to_owned(),
            Presented::One(key) => key.into_owned(),
            Presented::Several => "several".to_owned(),
        }
    }

    #[test]
    fn a_key_stands_in_one_of_the_sources() {
        let path = "/v1/models";
        assert_eq!(shown(path, &[("authorization", "Bearer one")]), "one");
        assert_eq!(shown(path, &[("authorization", "bEARER   one ")]), "one");
        assert_eq!(shown(path, &[("x-api-key", "one")]), "one");
        assert_eq!(shown(path, &[("api-key", " one ")]), "one");
        assert_eq!(shown("/v1/models?b=2&api_key=o%6ee", &[]), "one");
        assert_eq!(shown(path, &[]), "nothing");
        assert_eq!(shown(path, &[("authorization", "Basic b25l"), ("x-other", "one")]), "nothing");
        assert_eq!(shown("/v1/models?API_KEY=one", &[("authorization", "Bearer ")]), "nothing");
        assert_eq!(shown(path, &[("authorization", "Bear")]), "nothing");
    }

    #[test]
    fn different_keys_are_none_and_the_same_one_twice_is_one() {
        let path = "/v1/models?api_key=one";
        assert_eq!(shown(path, &[("authorization", "Bearer one"), ("x-api-key", "one")]), "one");
        assert_eq!(shown(path, &[("authorization", "Bearer two")]), "several");
        assert_eq!(shown("/", &[("x-api-key", "one"), ("x-api-key", "two")]), "several");
        assert_eq!(shown("/", &[("authorization", "Bearer one"), ("authorization", "Bearer two")]), "several");
        assert_eq!(shown("/?api_key=a&api_key=b", &[]), "several");
        assert_eq!(shown("/", &[("x-api-key", "schlüssel")]), "several", "what no key can be");
    }
}
