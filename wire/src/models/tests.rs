//! The tables are whole, and names lead to the right facts.

use super::*;

#[test]
fn no_name_stands_twice_and_limits_fit_together() {
    for (index, model) in all().enumerate() {
        let twice = all().skip(index + 1).find(|other| (other.provider, other.name) == (model.provider, model.name));
        assert_eq!(twice, None);
        assert!(model.output_tokens_max <= model.window_tokens && model.prompt_tokens_max <= model.window_tokens);
        let checked: jiff::civil::Date = model.checked.parse().unwrap();
        assert!(checked.year() >= 2026 && !model.source.is_empty(), "{}", model.name);
        if let Reasoning::Effort { efforts, default: Some(default) } = model.reasoning {
            assert!(efforts.contains(&default), "{}", model.name);
        }
        if let Some(living) = model.served_as {
            assert_eq!(find(model.provider, living).map(Model::living_name), Some(living));
        }
    }
}

#[test]
fn snapshots_share_their_familys_facts() {
    for (name, family) in [
        ("gpt-4o-2024-08-06", Some("gpt-4o")),
        ("gpt-4o-mini-2024-07-18", Some("gpt-4o-mini")),
        ("gpt-3.5-turbo-1106", Some("gpt-3.5-turbo-1106")),
        ("gpt-3.5-turbo-0125", Some("gpt-3.5-turbo")),
        ("gpt-4-0613", Some("gpt-4")),
        ("gpt-4o-audio", None),
        ("gpt-7", None),
        ("", None),
    ] {
        assert_eq!(find(Provider::OpenAi, name).map(|model| model.name), family, "{name}");
    }
    assert_eq!(find(Provider::Compatible, "gpt-4o"), None);
}

#[test]
fn ends_are_instants() {
    let at = |provider, name| find(provider, name).unwrap().retires_us().map(|us| us / 1_000_000);
    assert_eq!(at(Provider::DeepSeek, "deepseek-chat"), Some(1_784_908_740));
    assert_eq!(at(Provider::OpenAi, "gpt-5-2025-08-07"), Some(1_796_947_200));
    assert_eq!(at(Provider::DeepSeek, "deepseek-flash"), None);
}

#[test]
fn former_names_live_on_as_todays() {
    for (name, living) in [
        ("deepseek-chat", "deepseek-flash"),
        ("deepseek-v4-flash", "deepseek-flash"),
        ("deepseek-v4-pro", "deepseek-v4-pro"),
        ("deepseek-next", "deepseek-next"),
    ] {
        assert_eq!(living_name(Provider::DeepSeek, name), living);
    }
}

#[test]
fn who_pays_for_reasoning_unasked_is_known_or_said_to_be_unknown() {
    let of = |provider, name| find(provider, name).unwrap().reasoning.by_default();
    assert_eq!(of(Provider::DeepSeek, "deepseek-v4-pro"), Some(true));
    assert_eq!(of(Provider::OpenAi, "gpt-4o"), Some(false));
    assert_eq!(of(Provider::OpenAi, "gpt-5.1"), Some(false));
    assert_eq!(of(Provider::OpenAi, "gpt-5"), Some(true));
    assert_eq!(of(Provider::OpenAi, "gpt-6.2-sol"), None);
}
