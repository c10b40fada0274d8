//! Which place of which file, as people write it: `FILE` and, behind `#`, what in it is meant.

use super::fault::Fault;
use super::pointer::Pointer;
use crate::TargetError;
use std::path::{Component, Path, PathBuf};

/// What kind of file, and what in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    HttpRoute(Object),
    VirtualService(Object),
    Ingress(Object),
    Json(Pointer),
    /// Name of the split's variable, without `$`.
    Nginx(Option<String>),
    HaProxy,
}

/// A Kubernetes object among those of a file, and one of its rules. What is `None` is told from the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) namespace: Option<String>,
    pub(super) name: Option<String>,
    /// Counted from 0.
    pub(super) rule: Option<usize>,
}

/// Forms of the addresses, for messages.
const FORMS: &str = "expected `httproute:FILE#NAMESPACE/NAME/RULE` or `virtualservice:FILE#NAMESPACE/NAME/RULE` (from the right, \
                     parts may be left out, and empty ones stand for any), `ingress:FILE#NAMESPACE/NAME`, \
                     `json:FILE#/pointer`, `nginx:FILE#VARIABLE` or `haproxy:FILE`";

/// The same without parts of the file's path that lead nowhere: `.` and slashes too many. Links and `..` stay: where they lead is
/// not to be told from the text.
pub(crate) fn plain(place: &str) -> String {
    let (file, inside) = place.split_at(place.find('#').unwrap_or(place.len()));
    let parts = Path::new(file).components().filter(|part| *part != Component::CurDir);
    format!("{}{inside}", parts.collect::<PathBuf>().display())
}

/// Splits what stands behind the kind's colon into file and place.
///
/// # Errors
/// The kind is none of files, or its place has another form.
pub(super) fn parse<'a>(kind: &str, place: &'a str) -> Result<(&'a str, Place), TargetError> {
    let usage = |says: &str| TargetError::Usage(format!("`{kind}:{place}`: {says}; {FORMS}"));
    let (file, inside) = match place.split_once('#') {
        Some((file, inside)) => (file, Some(inside)),
        None => (place, None),
    };
    if file.is_empty() {
        return Err(usage("no file is named"));
    }
    let object = |rules| object(inside.unwrap_or_default(), rules).map_err(usage);
    let place = match kind {
        "httproute" => Place::HttpRoute(object(true)?),
        "virtualservice" => Place::VirtualService(object(true)?),
        "ingress" => Place::Ingress(object(false)?),
        "json" => {
            let pointer = inside.ok_or_else(|| usage("a pointer to the number is missing"))?;
            Place::Json(Pointer::parse(pointer).map_err(|fault: Fault| fault.of(&format!("{kind}:{place}"), ""))?)
        }
        "nginx" => {
            let name = inside.map(|name| name.trim_start_matches('$')).filter(|name| !name.is_empty());
            Place::Nginx(name.map(str::to_owned))
        }
        "haproxy" if inside.is_none() => Place::HaProxy,
        "haproxy" => {
            return Err(usage("a map file has no places to name; which line is whose is told by the arms' names"));
        }
        _ => return Err(usage("an unknown kind of file")),
    };
    Ok((file, place))
}

fn object(text: &str, rules: bool) -> Result<Object, &'static str> {
    let some = |part: &str| (!part.is_empty()).then(|| part.to_owned());
    let parts: Vec<&str> = text.split('/').collect();
    Ok(match parts.as_slice() {
        [name] => Object { name: some(name), ..Object::default() },
        [namespace, name] => Object { namespace: some(namespace), name: some(name), rule: None },
        [namespace, name, rule] if rules => {
            let index = rule.parse().map_err(|_| "the rule is no number; rules are counted from 0")?;
            Object { namespace: some(namespace), name: some(name), rule: Some(index) }
        }
        _ => return Err("too many parts behind `#`"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn detours_in_a_path_make_no_other_target() {
        for (place, wanted) in [
            ("./a.json#/./b//c", "a.json#/./b//c"),
            ("routes//./a.yaml", "routes/a.yaml"),
            ("/a/./b.yaml#shop/chat/0", "/a/b.yaml#shop/chat/0"),
            ("../a.map", "../a.map"),
            ("a#", "a#"),
            ("#/a", "#/a"),
            ("", ""),
        ] {
            assert_eq!(plain(place), wanted);
        }
    }

    #[test]
    fn addresses_are_read() {
        let object = |namespace: Option<&str>, name: Option<&str>, rule| Object {
            namespace: namespace.map(str::to_owned),
            name: name.map(str::to_owned),
            rule,
        };
        for (kind, place, wanted) in [
            ("httproute", "a.yaml", Place::HttpRoute(object(None, None, None))),
            ("httproute", "a.yaml#chat", Place::HttpRoute(object(None, Some("chat"), None))),
            ("httproute", "a.yaml#shop/chat", Place::HttpRoute(object(Some("shop"), Some("chat"), None))),
            ("virtualservice", "a.yaml#//2", Place::VirtualService(object(None, None, Some(2)))),
            ("ingress", "a.yaml#shop/chat", Place::Ingress(object(Some("shop"), Some("chat"), None))),
            ("nginx", "a.yaml#$upstream", Place::Nginx(Some("upstream".into()))),
            ("nginx", "a.yaml", Place::Nginx(None)),
            ("haproxy", "a.yaml", Place::HaProxy),
        ] {
            assert_eq!(parse(kind, place).unwrap(), ("a.yaml", wanted), "{kind}:{place}");
        }
        for (kind, place) in [
            ("httproute", ""),
            ("httproute", "#shop/chat"),
            ("httproute", "a#a/b/c"),
            ("httproute", "a#a/b/0/d"),
            ("ingress", "a#a/b/0"),
            ("json", "a"),
            ("json", "a#weight"),
            ("haproxy", "a#b"),
            ("toml", "a"),
        ] {
            let error = parse(kind, place).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("`{kind}:{place}`: ")) || error.starts_with(&format!("{kind}:{place}: ")),
                "{error}"
            );
        }
    }
}
