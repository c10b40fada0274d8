use super::*;
use datasets::{LoggedRequest, Recorded};
use preflight::{Options, Place, Preflight, Route};
use std::sync::Arc;
use wire::provider::{Policy, Provider};
use wire::{Usage, UsageSource};

/// A log with one request of each kind; names that are markup must stay names.
fn document() -> Document {
    document_of(1, None)
}

/// The same so many times over, an hour between two, with what the provider of today counted.
fn document_of(times: usize, usage: Option<Usage>) -> Document {
    let options = Options {
        version: "0.0.0".to_owned(),
        migration: "move".to_owned(),
        baseline: Provider::OpenAi,
        candidate: Provider::DeepSeek,
        policy: Policy::default(),
        candidate_name: "deepseek".to_owned(),
        untimed: false,
        now_us: 1_795_000_000_000_000,
    };
    let tariffs = wire::price::Tariffs::embedded().unwrap();
    let route = |asked: &preflight::Asked<'_>| match asked.model {
        "gpt-4o-mini" => Route::To(Arc::from("deepseek-flash"), preflight::Chosen::Default),
        _ => Route::Outside,
    };
    let mut preflight = Preflight::new(options, &tariffs, route);
    let bodies = [
        r#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"SECRET"}]}"#,
        r#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"SECRET"}],"seed":7}"#,
        r#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"SECRET"}],"n":3}"#,
        r#"{"model":"other","messages":[]}"#,
    ];
    for (index, body) in bodies.iter().cycle().take(bodies.len() * times).enumerate() {
        let body = serde_json::value::RawValue::from_string((*body).to_owned()).unwrap();
        let mut logged =
            LoggedRequest::chat(format!("id-{index}"), 1_795_000_000_000_000 + 3_600_000_000 * index as i64, body);
        logged.consumer = Some("<b>team|a</b>".to_owned());
        logged.recorded = usage.as_ref().map(|usage| Recorded {
            provider: "openai".to_owned(),
            model: "gpt-4o-mini".to_owned(),
            status: 200,
            duration_us: Some(2_000_000),
            usage: Some(*usage),
            ttft_us: None,
            error: None,
            finish_reason: None,
            refused: false,
            tier: wire::price::Tier::Standard,
            cost_nanos: None,
            answer: None,
            tools: Vec::new(),
        });
        let place = Place { file: "log.ndjson", line: Some(index as u64 + 2), request: index as u64 + 1 };
        preflight.see(&logged, &place);
    }
    preflight.finish()
}

fn counted() -> Document {
    let usage = Usage { cached: Some(300_000), ..Usage::new(1_000_000, 250_000, UsageSource::Provider) };
    document_of(60, Some(usage))
}

#[test]
fn the_page_says_what_fails_loses_and_what_to_do_and_loads_nothing() {
    let page = preflight_html(&document()).unwrap();
    for word in ["33.3% fail", "n&gt;1", "seed", "log.ndjson:4, id-2", "&lt;b&gt;team|a"] {
        assert!(page.contains(word), "{word} is not in\n{page}");
    }
    for never in ["SECRET", "<b>team", "http://", "https://", "<script"] {
        assert!(!page.contains(never), "{never}");
    }
    assert!(page.contains("default-src 'none'"));
    assert_eq!(page, preflight_html(&document()).unwrap(), "the same document, the same bytes");
}

#[test]
fn the_summary_has_the_same_figures_and_no_markup_of_others() {
    let text = preflight_markdown(&document()).unwrap();
    for word in ["33.3% fail", "n&gt;1", "seed", "team\\|a"] {
        assert!(text.contains(word), "{word} is not in\n{text}");
    }
    assert!(!text.contains("<b>") && !text.contains("SECRET"), "{text}");
}

#[test]
fn the_files_are_written_whole() {
    let folder = tempfile::tempdir().unwrap();
    let written = write_preflight(&document(), &folder.path().join("out")).unwrap();
    assert_eq!(written.len(), 2);
    assert!(written.iter().all(|path| path.metadata().unwrap().len() > 500));
}

#[test]
fn the_page_says_what_it_costs_and_what_is_estimated() {
    let document = document();
    let page = preflight_html(&document).unwrap();
    let from = page.find("<h2>What it costs").unwrap();
    let chapter = &page[from..from + page[from..].find("</section>").unwrap()];
    for word in ["With the candidate", "As mapped", "as just after a switch", "counted by nobody", "95% interval"] {
        assert!(chapter.to_lowercase().contains(&word.to_lowercase()), "{word} is not in\n{chapter}");
    }
    assert!(page[..page.find("<main>").unwrap()].contains("Cost of this log"));
    let text = preflight_markdown(&document).unwrap();
    assert!(text.contains("### What it costs") && text.contains("With the candidate"), "{text}");
    assert!(text.len() < 1 << 20);
}

#[test]
fn counted_answers_tell_a_saving_with_its_interval_and_what_the_cache_is_worth() {
    let page = preflight_html(&counted()).unwrap();
    let first = &page[..page.find("<main>").unwrap()];
    assert!(first.contains("Dearer a month") && first.contains(" more, ") && first.contains("95% interval"), "{first}");
    for word in ["as recorded", "same bill at", "each hour of the week", "Thinking first", "as just after a switch"] {
        assert!(page.contains(word), "{word} is not in\n{page}");
    }
    // Where nobody tells how long answers are, no saving is told.
    let unknown = preflight_html(&document()).unwrap();
    assert!(!unknown.contains("Thinking first") && !unknown.contains("same bill at"));
    assert!(unknown.contains("bills of the prompts alone"));
}

#[test]
fn a_log_without_prices_says_so() {
    let mut document = document();
    document.cost.choices[0].against = bill::project::Money::default();
    document.cost.choices[0].cost = bill::project::Money::default();
    let page = preflight_html(&document).unwrap();
    assert!(page.contains("Nothing of this log has a price") && !page.contains("Cost of this log"));
    document.cost.choices.clear();
    assert!(!preflight_html(&document).unwrap().contains("What it costs"));
}
