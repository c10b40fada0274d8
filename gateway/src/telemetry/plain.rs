//! The page in Prometheus' older text format (0.0.4), for scrapers that do not know OpenMetrics.
//!
//! It is made of the OpenMetrics page, line by line, so that there is one description of what stands on it. Samples are the
//! same in both; what differs is how families are announced. Here a family has the name that its samples have, `_total` and
//! `_info` included, there is no type `info`, and no mark of the end.

/// Translates a page.
pub(super) fn of_open_metrics(page: &str) -> String {
    let mut text = String::with_capacity(page.len());
    let mut help = "";
    for line in page.split_inclusive('\n') {
        if let Some(announced) = line.strip_prefix("# HELP ") {
            help = announced.split_once(' ').map_or("\n", |(_, help)| help);
        } else if let Some((name, kind)) =
            line.strip_prefix("# TYPE ").and_then(|rest| rest.trim_end().rsplit_once(' '))
        {
            announce(&mut text, name, kind, help);
        } else if !line.starts_with('#') {
            text.push_str(line);
        }
    }
    text
}

fn announce(text: &mut String, name: &str, kind: &str, help: &str) {
    let (suffix, kind) = match kind {
        "counter" => ("_total", "counter"),
        "info" => ("_info", "gauge"),
        // Others' counters, which OpenMetrics could not call so.
        "unknown" => ("", "counter"),
        other => ("", other),
    };
    for part in ["# HELP ", name, suffix, " ", help, "# TYPE ", name, suffix, " ", kind, "\n"] {
        text.push_str(part);
    }
}

#[cfg(test)]
mod tests {
    use super::of_open_metrics;

    #[test]
    fn families_are_announced_by_the_name_of_their_samples() {
        let open = "# HELP a What a is.\n# TYPE a counter\na_total{x=\"# HELP\"} 1\n\
                    # HELP b Of b.\n# TYPE b info\nb_info{v=\"1\"} 1\n\
                    # HELP c Of c.\n# TYPE c histogram\nc_sum 1.5\nc_count 1\nc_bucket{le=\"+Inf\"} 1\n\
                    # HELP d Of d.\n# TYPE d unknown\nd 3\n# HELP e Of e.\n# TYPE e gauge\n# EOF\n";
        let plain = "# HELP a_total What a is.\n# TYPE a_total counter\na_total{x=\"# HELP\"} 1\n\
                     # HELP b_info Of b.\n# TYPE b_info gauge\nb_info{v=\"1\"} 1\n\
                     # HELP c Of c.\n# TYPE c histogram\nc_sum 1.5\nc_count 1\nc_bucket{le=\"+Inf\"} 1\n\
                     # HELP d Of d.\n# TYPE d counter\nd 3\n# HELP e Of e.\n# TYPE e gauge\n";
        assert_eq!(of_open_metrics(open), plain);
    }
}
