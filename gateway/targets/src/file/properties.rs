//! Whatever has happened to a file: it is refused, or its plan says what was asked and touches the weights' lines alone.

use super::tests::paper;
use super::{Wanted, httproute, ingress, nginx, split, virtualservice};
use proptest::prelude::*;

/// Addresses, names of the arms, and files as people have them.
const FILES: [(&str, (&str, &str), &str); 6] = [
    ("httproute:f", ("chat-openai", "chat-deepseek"), httproute::tests::MANIFEST),
    ("virtualservice:f", ("v1", "v2"), virtualservice::tests::MANIFEST),
    ("ingress:f", ("chat-openai", "chat-deepseek"), ingress::tests::MANIFEST),
    ("nginx:f", ("openai", "deepseek"), nginx::tests::CONF),
    ("haproxy:f", ("openai", "deepseek"), "# arms\nopenai 9500\n\ndeepseek\t500\nother 1 2\n"),
    ("json:f#/a/w", ("openai", "deepseek"), "{\"a\":\t{\"w\": \"5\", \"b\": [5]},\n \"w\": 5}\n"),
];

/// What happens to a text: characters go, others come, lines stand twice, and line ends change.
#[derive(Debug, Clone)]
enum Mishap {
    Cut(prop::sample::Index, usize),
    Put(prop::sample::Index, String),
    Repeat(prop::sample::Index),
    Windows,
}

fn mishap() -> impl Strategy<Value = Mishap> {
    prop_oneof![
        (any::<prop::sample::Index>(), 1_usize..8).prop_map(|(at, count)| Mishap::Cut(at, count)),
        (any::<prop::sample::Index>(), "[-:#&*{}\\[\\]'\"%;, \t\né095]{1,4}")
            .prop_map(|(at, text)| Mishap::Put(at, text)),
        any::<prop::sample::Index>().prop_map(Mishap::Repeat),
        Just(Mishap::Windows),
    ]
}

fn happens(text: &str, mishap: &Mishap) -> String {
    let characters: Vec<char> = text.chars().collect();
    match mishap {
        Mishap::Cut(at, count) => {
            let from = at.index(characters.len() + 1);
            characters.iter().take(from).chain(characters.iter().skip(from + count)).collect()
        }
        Mishap::Put(at, new) => {
            let (before, after) = characters.split_at(at.index(characters.len() + 1));
            before.iter().copied().chain(new.chars()).chain(after.iter().copied()).collect()
        }
        Mishap::Repeat(at) => {
            let lines: Vec<&str> = text.split_inclusive('\n').collect();
            let twice = at.index(lines.len().max(1));
            lines.iter().enumerate().flat_map(|(index, line)| vec![*line; 1 + usize::from(index == twice)]).collect()
        }
        Mishap::Windows => text.replace('\n', "\r\n"),
    }
}

proptest! {
    #[test]
    fn a_plan_says_what_was_asked_and_touches_little(
        kind in 0..FILES.len(),
        mishaps in prop::collection::vec(mishap(), 0..3),
        weight in 0_u32..=split::WHOLE,
        mirror in prop::option::of(0_u32..=split::WHOLE),
    ) {
        let (address, arms, text) = FILES[kind];
        let text = mishaps.iter().fold(text.to_owned(), |text, mishap| happens(&text, mishap));
        let file = paper(address, arms, &text);
        let asked = Wanted { weight_percent: split::percent(weight), mirror_percent: mirror.map(split::percent) };
        let before = file.look();
        if let Ok(plan) = file.plan(asked.weight_percent, asked.mirror_percent) {
            let before = before.unwrap();
            prop_assert!(plan.wanted.weight_percent <= asked.weight_percent);
            prop_assert!(plan.wanted.mirror_percent <= asked.mirror_percent);
            prop_assert!(plan.wanted == asked || plan.shown.starts_with("note: "), "{}", plan.shown);
            let (after, mirrored) = paper(address, arms, &plan.text).look().unwrap();
            prop_assert_eq!(split::hundredths(after), split::hundredths(plan.wanted.weight_percent));
            prop_assert_eq!(mirrored, plan.wanted.mirror_percent.or(before.1));

            let gone = plan.shown.lines().filter(|line| line.starts_with('-') && !line.starts_with("---")).count();
            prop_assert!(gone <= 3, "{}", plan.shown);
            match paper(address, arms, &plan.text).plan(asked.weight_percent, asked.mirror_percent) {
                Ok(again) => prop_assert_eq!(again.text, plan.text, "a second time there is nothing to do"),
                Err(error) => prop_assert!(error.contains("nothing would rise"), "{}", error),
            }
        }
    }
}
