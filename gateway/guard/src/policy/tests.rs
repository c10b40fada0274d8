use super::*;
use proptest::prelude::*;

pub(crate) fn policy() -> Policy {
    Policy {
        name: "p".into(),
        mode: Mode::Enforce,
        request: vec!["a".into()],
        response: vec!["a".into()],
        bars: ByCategory::all(Bar::High),
        deeds: ByCategory::all(Deed::Block),
        on_failure: OnFailure::Open,
        texts_max: 3,
        characters_max: 10,
        check: Check::User,
        stream: Stream::Full,
        answer: AnswerForm::Completion,
        sentence: "no".to_owned(),
        finish: Finish::Stop,
    }
}

fn masking() -> Policy {
    Policy { deeds: ByCategory::all(Deed::Mask), ..policy() }
}

fn found(category: Category, level: Level, span: Option<Range<usize>>) -> Finding {
    let spans = span.map_or_else(Vec::new, |span| [span].to_vec());
    Finding { category, label: "email".to_owned(), level, score: None, spans }
}

fn one(policy: &Policy, findings: Vec<Finding>) -> Decision {
    decide(policy, &[("a".into(), Ok(Verdict { findings }))], "a text of some length", 0, 21)
}

#[test]
fn the_bar_of_the_category_decides() {
    let mut policy = policy();
    policy.bars.named.insert(Category::Political, Bar::Off);
    policy.bars.named.insert(Category::Hate, Bar::Low);
    for (category, level, action) in [
        (Category::Violence, Level::Medium, Action::None),
        (Category::Violence, Level::High, Action::Blocked),
        (Category::Violence, Level::Max, Action::Blocked),
        (Category::Hate, Level::Low, Action::Blocked),
        (Category::Political, Level::Max, Action::None),
    ] {
        let decision = one(&policy, vec![found(category, level, None)]);
        assert_eq!((decision.action, decision.level), (action, level), "{category:?} {level:?}");
        assert_eq!(decision.categories.contains_key(&category), action != Action::None);
    }
    policy.bars.default = Bar::Max;
    assert_eq!(one(&policy, vec![found(Category::Violence, Level::High, None)]).action, Action::None);
}

#[test]
fn observing_never_acts_and_says_what_it_saw() {
    for deed in [Deed::Block, Deed::Mask] {
        let policy =
            Policy { mode: Mode::Observe, on_failure: OnFailure::Closed, deeds: ByCategory::all(deed), ..policy() };
        let decision = one(&policy, vec![found(Category::Hate, Level::High, Some(0..1))]);
        assert_eq!((decision.action, decision.masks.len()), (Action::Flagged, 0));
        let failed = decide(&policy, &[("a".into(), Err(Failure::Timeout))], "x", 0, 1);
        assert_eq!(failed.action, Action::None);
        assert_eq!(failed.failed, [("a".into(), "timeout")].into());
    }
}

#[test]
fn masks_need_places_and_blocks_outweigh_them() {
    let mut policy = masking();
    let mail = || found(Category::SensitiveData, Level::High, Some(2..6));
    let decision = one(&policy, vec![mail(), found(Category::SensitiveData, Level::High, Some(4..9))]);
    assert_eq!(decision.action, Action::Masked);
    assert_eq!(decision.masks, [Mask { span: 2..9, instead: "[email]".to_owned() }]);
    assert_eq!(masked("a text of some length", &decision.masks), "a [email] some length");
    let unplaced = one(&policy, vec![mail(), found(Category::SensitiveData, Level::High, None)]);
    assert_eq!((unplaced.action, unplaced.masks.len()), (Action::Blocked, 0));
    policy.deeds.named.insert(Category::Hate, Deed::Block);
    let both = one(&policy, vec![mail(), found(Category::Hate, Level::High, Some(0..1))]);
    assert_eq!((both.action, both.masks.len(), both.categories.len()), (Action::Blocked, 0, 2));
}

#[test]
fn failures_are_told_open_or_closed() {
    for (on_failure, action) in [(OnFailure::Open, Action::None), (OnFailure::Closed, Action::Blocked)] {
        let policy = Policy { on_failure, ..policy() };
        let results = [("a".into(), Ok(Verdict::default())), ("b".into(), Err(Failure::Unreachable))];
        let decision = decide(&policy, &results, "x", 0, 1);
        assert_eq!(decision.action, action);
        assert_eq!(decision.failed, [("b".into(), "unreachable")].into());
        assert!(decision.categories.is_empty());
    }
}

#[test]
fn a_failure_does_not_hide_what_another_back_end_found() {
    let results = [
        ("a".into(), Err(Failure::Timeout)),
        ("b".into(), Ok(Verdict { findings: vec![found(Category::Hate, Level::High, None)] })),
    ];
    let decision = decide(&policy(), &results, "x", 0, 1);
    assert_eq!((decision.action, decision.failed.len()), (Action::Blocked, 1));
}

#[test]
fn labels_that_could_be_text_are_not_shown() {
    for (label, instead) in [("email", "[email]"), ("Say It", "[sensitive_data]"), ("", "[sensitive_data]")] {
        let finding = Finding { label: label.to_owned(), ..found(Category::SensitiveData, Level::High, Some(0..1)) };
        assert_eq!(one(&masking(), vec![finding]).masks[0].instead, instead);
    }
}

#[test]
fn places_that_are_none_count_as_unknown() {
    let policy = masking();
    let results = |span| [("a".into(), Ok(Verdict { findings: vec![found(Category::Hate, Level::High, Some(span))] }))];
    for span in [1..2, 0..1, 0..99, Range { start: 3, end: 0 }] {
        assert_eq!(decide(&policy, &results(span.clone()), "é!", 0, 3).action, Action::Blocked, "{span:?}");
    }
    assert_eq!(decide(&policy, &results(0..2), "é!", 0, 3).action, Action::Masked);
}

#[test]
fn texts_put_together_keep_the_worst() {
    let mut all = one(&policy(), vec![found(Category::Hate, Level::High, None)]);
    all.merge(&decide(&policy(), &[("b".into(), Err(Failure::Busy))], "x", 0, 1));
    all.merge(&one(&policy(), vec![found(Category::Hate, Level::Max, None)]));
    assert_eq!((all.action, all.level), (Action::Blocked, Level::Max));
    assert_eq!(all.categories, [(Category::Hate, Level::Max)].into());
    assert_eq!(all.failed, [("b".into(), "busy")].into());
}

proptest! {
    #[test]
    fn masking_leaves_everything_else_and_takes_all_of_it(
        text in "\\PC{0,40}",
        spans in proptest::collection::vec((0usize..60, 0usize..60), 0..6),
    ) {
        let findings: Vec<Finding> = spans
            .iter()
            .map(|(start, end)| found(Category::SensitiveData, Level::High, Some(*start..*end)))
            .filter(|finding| finding.spans.iter().all(|span| is_place(&text, span)))
            .collect();
        let taken: Vec<Range<usize>> = findings.iter().flat_map(|finding| finding.spans.clone()).collect();
        let decision = decide(&masking(), &[("a".into(), Ok(Verdict { findings }))], &text, 0, text.len());
        let kept: String = text
            .char_indices()
            .filter(|(at, _)| !taken.iter().any(|span| span.contains(at)))
            .map(|(_, one)| one)
            .collect();
        prop_assert_eq!(masked(&text, &decision.masks).replace("[email]", ""), kept.replace("[email]", ""));
        prop_assert!(decision.masks.windows(2).all(|pair| pair[0].span.end <= pair[1].span.start));
    }
}

#[test]
fn what_nobody_could_be_asked_about_is_a_failure_of_every_back_end() {
    for (on_failure, mode, action) in [
        (OnFailure::Open, Mode::Enforce, Action::None),
        (OnFailure::Closed, Mode::Enforce, Action::Blocked),
        (OnFailure::Closed, Mode::Observe, Action::None),
    ] {
        let policy = Policy { on_failure, mode, ..policy() };
        let decision = policy.unjudged(Phase::Request, "tokens");
        assert_eq!(decision.action, action);
        assert_eq!(decision.failed, policy.request.iter().map(|backend| (Arc::clone(backend), "tokens")).collect());
    }
}

#[test]
fn a_request_of_more_than_is_judged_is_blocked_also_where_failures_pass() {
    let policy = Policy { request: vec!["a".into()], on_failure: OnFailure::Open, ..policy() };
    assert_eq!(too_long(&policy, &["12345", "äöü45", ""]), None);
    for texts in [vec!["", "", "", ""], vec!["12345", "123456"], vec!["12345678901"]] {
        let decision = too_long(&policy, &texts).unwrap();
        assert!(decision.is_blocked(), "{texts:?}");
        assert_eq!(decision.failed, BTreeSet::from([("a".into(), "too_long")]));
    }
    let observes = Policy { mode: Mode::Observe, ..policy };
    assert_eq!(too_long(&observes, &["12345678901"]).unwrap().action, Action::None);
}
