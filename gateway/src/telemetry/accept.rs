//! Which text a scraper wants, by its `Accept` header (RFC 9110, 12.5.1).
//!
//! OpenMetrics goes to those that name it and do not like the older text better. Everybody else gets the older one, which all
//! of them read: `*/*` is what programs send that have not thought about it.

use http::HeaderMap;
use http::header::ACCEPT;

/// Whether the page should be OpenMetrics.
pub(super) fn wants_open_metrics(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let (mut open, mut plain) = (0.0_f32, 0.0_f32);
    for range in values.flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let best = match parts.next() {
            Some(kind) if kind.eq_ignore_ascii_case("application/openmetrics-text") => &mut open,
            Some(kind) if kind.eq_ignore_ascii_case("text/plain") => &mut plain,
            _ => continue,
        };
        *best = best.max(parts.find_map(quality).unwrap_or(1.0));
    }
    open > 0.0 && open >= plain
}

/// The weight that a parameter gives, if it is the one that does; one that cannot be read is nothing.
fn quality(parameter: &str) -> Option<f32> {
    let (name, value) = parameter.split_once('=')?;
    let quality = value.trim().parse().unwrap_or(0.0);
    name.trim().eq_ignore_ascii_case("q").then_some(quality)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn wants(values: &[&str]) -> bool {
        let pairs = values.iter().map(|value| (ACCEPT, HeaderValue::from_str(value).unwrap()));
        wants_open_metrics(&pairs.collect())
    }

    #[test]
    fn open_metrics_is_for_those_that_name_it_and_like_it_at_least_as_well() {
        // What Prometheus 2.42 sends, and what its later versions do.
        assert!(wants(&[
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                         text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
        ]));
        assert!(wants(&["application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
                         text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,*/*;q=0.2"]));
        assert!(wants(&["application/openmetrics-text"]) && wants(&["Application/OpenMetrics-Text ; q=0.1"]));
        assert!(wants(&["application/openmetrics-text, text/plain"]));
        assert!(wants(&["text/plain;q=0.1", "application/openmetrics-text;q=0.2"]), "two lines are one");
    }

    #[test]
    fn everybody_else_gets_the_older_text() {
        for others in [
            &[][..],
            &["*/*"],
            &["text/html,application/xhtml+xml,*/*;q=0.8"],
            &["text/plain;version=0.0.4;q=1,*/*;q=0.1"],
            &["application/openmetrics-text;q=0.2, text/plain;q=0.3"],
            &["application/openmetrics-text;q=0"],
            &["application/openmetrics-text;q=none"],
            &["application/openmetrics-text;q=nan"],
            &["application/openmetrics-texts"],
            &[",;=,;q"],
        ] {
            assert!(!wants(others), "{others:?}");
        }
    }
}
