//! The dashboard as a file: what it asks, and what any Grafana would stumble over.

use crate::server::deploy;
use regex::Regex;
use serde_json::Value;
use std::collections::BTreeSet;

/// The dashboard.
pub(crate) struct Dashboard(Value);

/// One question to Prometheus, and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub place: String,
    pub expression: String,
}

impl Dashboard {
    pub(crate) fn read() -> Self {
        let path = deploy().join("grafana/dashboards/weighbridge.json");
        Self(serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
    }

    /// All panels, those of collapsed rows too; rows themselves are panels.
    fn panels(&self) -> Vec<&Value> {
        let outer = self.0["panels"].as_array().unwrap().iter();
        outer.flat_map(|panel| std::iter::once(panel).chain(panel["panels"].as_array().into_iter().flatten())).collect()
    }

    fn variables(&self) -> &[Value] {
        self.0["templating"]["list"].as_array().unwrap()
    }

    /// Every expression, of panels and annotations, with the variables as Grafana would put them in for `migration`, all
    /// models and all consumers.
    pub(crate) fn questions(&self, migration: &str) -> Vec<Question> {
        let fill = |place: String, text: &Value| {
            let expression = [
                ("$__rate_interval", "30s"),
                ("$__interval", "30s"),
                ("$migration", migration),
                ("$model", ".*"),
                ("$consumer", ".*"),
            ]
            .iter()
            .fold(text.as_str().unwrap().to_owned(), |text, (name, value)| text.replace(name, value));
            assert!(!expression.contains('$'), "{place}: an unknown variable in {expression}");
            Question { place, expression }
        };
        let of_panel = |panel: &Value| {
            let title = panel["title"].as_str().unwrap().to_owned();
            let targets = panel["targets"].as_array().cloned().unwrap_or_default();
            targets.into_iter().map(move |target| (format!("{title}, {}", target["refId"]), target["expr"].clone()))
        };
        let annotations = self.0["annotations"]["list"].as_array().unwrap().iter();
        let annotations = annotations.filter(|one| one["expr"].is_string());
        let annotations = annotations.map(|one| (format!("annotation {}", one["name"]), one["expr"].clone()));
        let panels = self.panels().into_iter().flat_map(of_panel);
        panels.chain(annotations).map(|(place, text)| fill(place, &text)).collect()
    }

    /// Label and series of each variable that asks for the values of a label.
    pub(crate) fn label_values(&self, migration: &str) -> Vec<(String, String)> {
        let form = Regex::new(r"^label_values\((.+), (\w+)\)$").unwrap();
        let queries = self.variables().iter().filter(|variable| variable["type"] == "query");
        queries
            .map(|variable| {
                let query = variable["query"]["query"].as_str().unwrap();
                assert_eq!(variable["definition"], query);
                let parts = form.captures(query).unwrap_or_else(|| panic!("{query}"));
                (parts[2].to_owned(), parts[1].replace("$migration", migration))
            })
            .collect()
    }
}

#[test]
fn panels_do_not_lie_on_each_other_and_each_says_what_it_shows() {
    let dashboard = Dashboard::read();
    let (mut ids, mut taken) = (BTreeSet::new(), BTreeSet::<(bool, u64, u64)>::new());
    for panel in dashboard.panels() {
        let title = panel["title"].as_str().unwrap();
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}: an id twice");
        assert!(!title.is_empty());
        let side = |name: &str| panel["gridPos"][name].as_u64().unwrap();
        assert!(side("w") > 1 && side("x") + side("w") <= 24, "{title}");
        if panel["type"] == "row" {
            let inner = panel["panels"].as_array().unwrap();
            assert_eq!(panel["collapsed"], !inner.is_empty(), "{title}");
            taken.retain(|(folded, ..)| !folded);
            continue;
        }
        let folded = dashboard.0["panels"].as_array().unwrap().iter().all(|outer| outer["id"] != panel["id"]);
        for x in side("x")..side("x") + side("w") {
            for y in side("y")..side("y") + side("h") {
                assert!(taken.insert((folded, x, y)), "{title} lies on another panel");
            }
        }
        let description = panel["description"].as_str().unwrap();
        assert!(description.ends_with('.') && description.len() > 20, "{title}: {description}");
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let dashboard = Dashboard::read();
    let names: Vec<&str> = dashboard.variables().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["datasource", "migration", "model", "consumer"]);
    let source = serde_json::json!({"type": "prometheus", "uid": "${datasource}"});
    for panel in dashboard.panels().into_iter().filter(|panel| panel["type"] != "row") {
        let title = &panel["title"];
        assert_eq!(panel["datasource"], source, "{title}");
        let targets = panel["targets"].as_array().unwrap();
        let letters: BTreeSet<&str> = targets.iter().map(|target| target["refId"].as_str().unwrap()).collect();
        assert!(letters.len() == targets.len() && !targets.is_empty(), "{title}");
        assert!(targets.iter().all(|target| target["datasource"] == source), "{title}");
        // A number without its unit is a riddle; states, names and tables have none.
        let has_unit = panel["fieldConfig"]["defaults"]["unit"].is_string()
            || panel["fieldConfig"]["defaults"]["mappings"].is_array()
            || panel["options"]["yAxis"]["unit"].is_string();
        let is_plain = panel["type"] == "table" || panel["options"]["textMode"] == "name" || title == "Alerts";
        assert!(has_unit || is_plain, "{title} has no unit");
    }
    for variable in dashboard.variables().iter().filter(|one| one["type"] == "query") {
        assert_eq!(variable["datasource"], source);
        assert!(variable["description"].as_str().is_some_and(|text| text.ends_with('.')), "{}", variable["name"]);
    }
}

#[test]
fn the_top_of_the_page_answers_whether_the_canary_is_well() {
    let dashboard = Dashboard::read();
    let first: Vec<&str> = dashboard.0["panels"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|panel| panel["gridPos"]["y"] == 0)
        .map(|panel| panel["title"].as_str().unwrap())
        .collect();
    for title in [
        "Weight",
        "Errors",
        "First token, p95",
        "Whole answer, p95",
        "Money an hour",
        "Shadow drops",
        "Records",
        "Alerts",
    ] {
        assert!(first.contains(&title), "{title} is not in the first row: {first:?}");
    }
}
