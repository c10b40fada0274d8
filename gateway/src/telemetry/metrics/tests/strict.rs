//! A parser of OpenMetrics text that is stricter than any scraper: families in one piece, types known, label values
//! escaped, histograms cumulative and complete, nothing twice, `# EOF` at the end.

use std::collections::{BTreeMap, BTreeSet};

/// Labels in the order of the text.
pub(super) type Labels = Vec<(String, String)>;

#[derive(Debug, Default)]
pub(super) struct Parsed {
    pub families: Vec<String>,
    /// Which of them are histograms, by their place.
    histograms: BTreeSet<usize>,
    samples: Vec<(String, Labels, f64, usize)>,
}

impl Parsed {
    /// The value of the sample with these labels, given sorted as `name=value,name=value`.
    pub(super) fn find(&self, name: &str, labels: &str) -> Option<f64> {
        self.samples.iter().find(|sample| sample.0 == name && sorted(&sample.1) == labels).map(|sample| sample.2)
    }

    pub(super) fn value(&self, name: &str, labels: &str) -> f64 {
        self.find(name, labels).unwrap_or_else(|| panic!("no {name}{{{labels}}}"))
    }

    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a Labels, f64)> {
        self.samples.iter().filter(move |sample| sample.0 == name).map(|sample| (&sample.1, sample.2))
    }

    pub(super) fn of_family<'a>(&'a self, family: &'a str) -> impl Iterator<Item = (&'a Labels, f64)> {
        let place = self.families.iter().position(|one| one == family);
        self.samples.iter().filter(move |sample| Some(sample.3) == place).map(|sample| (&sample.1, sample.2))
    }
}

fn sorted(labels: &Labels) -> String {
    let mut texts: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    texts.sort_unstable();
    texts.join(",")
}

pub(super) fn parse(text: &str) -> Result<Parsed, String> {
    let body = text.strip_suffix("# EOF\n").ok_or("the page does not end with `# EOF`")?;
    let mut parsed = Parsed::default();
    let mut kind = "";
    let mut helped = "";
    let mut seen = BTreeSet::new();
    for line in body.split_terminator('\n') {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, words) = help.split_once(' ').ok_or(line)?;
            ensure(!words.is_empty() && !parsed.families.iter().any(|family| family == name), line)?;
            helped = name;
        } else if let Some(of_type) = line.strip_prefix("# TYPE ") {
            let (name, of_kind) = of_type.split_once(' ').ok_or(line)?;
            ensure(name == helped && ["counter", "gauge", "histogram", "info", "unknown"].contains(&of_kind), line)?;
            kind = of_kind;
            if kind == "histogram" {
                parsed.histograms.insert(parsed.families.len());
            }
            parsed.families.push(name.to_owned());
        } else {
            let family = parsed.families.last().ok_or(line)?.clone();
            let (name, labels, value) = sample(line)?;
            let suffix = name.strip_prefix(&family).ok_or_else(|| format!("not of {family}: {line}"))?;
            let allowed: &[&str] = match kind {
                "counter" => &["_total"],
                "info" => &["_info"],
                "histogram" => &["_bucket", "_count", "_sum"],
                _ => &[""],
            };
            ensure(allowed.contains(&suffix) && value.is_finite(), line)?;
            ensure(kind == "gauge" || value >= 0.0, line)?;
            ensure((suffix == "_bucket") == labels.iter().any(|label| label.0 == "le"), line)?;
            ensure(seen.insert((name.clone(), sorted(&labels))), line)?;
            parsed.samples.push((name, labels, value, parsed.families.len() - 1));
        }
    }
    histograms(&parsed)?;
    Ok(parsed)
}

/// What a histogram's samples have told so far.
struct Buckets {
    bound: f64,
    below: f64,
    count: Option<f64>,
    has_sum: bool,
}

/// Bounds rise, counts do not fall, `+Inf` is there and equals `_count`, and there is a `_sum`.
fn histograms(parsed: &Parsed) -> Result<(), String> {
    let mut all = BTreeMap::<(usize, Labels), Buckets>::new();
    for (name, labels, value, family) in parsed.samples.iter().filter(|sample| parsed.histograms.contains(&sample.3)) {
        let Some(suffix) = ["_bucket", "_count", "_sum"].into_iter().find(|suffix| name.ends_with(suffix)) else {
            continue;
        };
        let own: Labels = labels.iter().filter(|label| label.0 != "le").cloned().collect();
        let new = Buckets { bound: f64::NEG_INFINITY, below: 0.0, count: None, has_sum: false };
        let buckets = all.entry((*family, own)).or_insert(new);
        match suffix {
            "_count" => buckets.count = Some(*value),
            "_sum" => buckets.has_sum = true,
            _ => {
                let le = &labels.iter().find(|label| label.0 == "le").ok_or("no le")?.1;
                let le = if le == "+Inf" { Ok(f64::INFINITY) } else { le.parse::<f64>() };
                let le = le.map_err(|error| error.to_string())?;
                ensure(le > buckets.bound && *value >= buckets.below, &format!("{name} {labels:?}"))?;
                (buckets.bound, buckets.below) = (le, *value);
            }
        }
    }
    for (key, buckets) in all {
        let complete = buckets.bound.is_infinite() && buckets.has_sum;
        let agrees = buckets.count.is_some_and(|count| (count - buckets.below).abs() < 1e-9);
        ensure(complete && agrees, &format!("{key:?}"))?;
    }
    Ok(())
}

fn sample(line: &str) -> Result<(String, Labels, f64), String> {
    let end = line.find(['{', ' ']).ok_or(line)?;
    let (name, mut rest) = line.split_at(end);
    ensure(is_name(name), line)?;
    let mut labels = Labels::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            let (label, after) = rest.split_once("=\"").ok_or(line)?;
            ensure(is_name(label) && !labels.iter().any(|one| one.0 == label), line)?;
            let (value, after) = unescape(after).ok_or(line)?;
            labels.push((label.to_owned(), value));
            if let Some(after) = after.strip_prefix(',') {
                rest = after;
            } else {
                rest = after.strip_prefix('}').ok_or(line)?;
                break;
            }
        }
    }
    let value = rest.strip_prefix(' ').ok_or(line)?;
    let value = value.parse().map_err(|error| format!("{error}: {line}"))?;
    Ok((name.to_owned(), labels, value))
}

/// The value up to its closing quote, and what follows.
fn unescape(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((place, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[place + 1..])),
            '\\' => value.push(match characters.next()?.1 {
                'n' => '\n',
                same @ ('\\' | '"') => same,
                _ => return None,
            }),
            other => value.push(other),
        }
    }
    None
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

fn ensure(holds: bool, line: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("not allowed: {line}")) }
}

#[test]
fn the_parser_refuses_what_it_should() {
    let good = "# HELP a b\n# TYPE a counter\na_total{x=\"\\n\\\"\\\\\"} 1\n# EOF\n";
    assert!(parse(good).is_ok());
    for (from, to) in [
        ("# EOF\n", ""),
        ("a_total", "a"),
        ("a_total", "b_total"),
        ("} 1", "} -1"),
        ("} 1", "} 1\na_total{x=\"\\n\\\"\\\\\"} 1"),
        ("\\\\\"}", "\\x\"}"),
        ("# TYPE a counter\n", ""),
        ("counter", "histogram"),
    ] {
        let bad = good.replacen(from, to, 1);
        assert!(parse(&bad).is_err(), "{bad}");
    }
}
