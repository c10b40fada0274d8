use super::*;
use guard::Category;
use guard::policy::{Bar, Deed, Finish, Mode, OnFailure, Stream};

const BACKEND: &str = "[backends.judge]\nkind = \"openai\"\nbase_url = \"http://127.0.0.1:9/v1\"\n";

fn check(text: &str) -> (Option<Safety>, Vec<String>) {
    let mut checker = Checker { problems: Vec::new(), warnings: Vec::new(), environment: &|_| None };
    let safety = checker.safety(&toml::from_str(text).unwrap());
    (safety, checker.problems)
}

fn good(text: &str) -> Safety {
    let (safety, problems) = check(&format!("{text}\n{BACKEND}"));
    assert_eq!(problems, Vec::<String>::new());
    safety.unwrap()
}

fn groups(names: &[&str]) -> Vec<Arc<str>> {
    names.iter().map(|name| Arc::from(*name)).collect()
}

#[test]
fn a_policy_is_what_its_section_says() {
    let safety = good(
        "[policies.strict]\nrequest = [\"judge\"]\nresponse = [\"judge\"]\nmode = \"observe\"\non_failure = \"closed\"\n\
         bars = { default = \"medium\", political = \"off\" }\nactions = { sensitive_data = \"mask\" }\n\
         stream = \"full\"\nsentence = \"No.\"\nfinish_reason = \"content_filter\"",
    );
    let policy = &safety.policies["strict"];
    assert_eq!((policy.mode, policy.on_failure, policy.stream), (Mode::Observe, OnFailure::Closed, Stream::Full));
    assert_eq!((policy.bars.of(Category::Hate), policy.bars.of(Category::Political)), (Bar::Medium, Bar::Off));
    assert_eq!(policy.deeds.of(Category::SensitiveData), Deed::Mask);
    assert_eq!((&*policy.sentence, policy.finish), ("No.", Finish::ContentFilter));
}

#[test]
fn the_consumer_outweighs_the_migration_and_that_the_default() {
    let safety = good(
        "policy = \"usual\"\n[policies.usual]\nrequest = [\"judge\"]\nbars = { hate = \"low\" }\n\
         [policies.strict]\nrequest = [\"judge\"]\n\
         [[consumers]]\nname = \"anna\"\npolicy = \"strict\"\n[[consumers]]\nprefix = \"an\"\npolicy = \"none\"\n\
         [[consumers]]\ngroup = \"testers\"\nbars = { violence = \"off\" }\n[[consumers]]\npattern = \"^b.n$\"\npolicy = \"strict\"\nbars = { default = \"max\" }",
    );
    let strict = Some("strict".to_owned());
    let name = |consumer, names: &[&str], migration: Option<&Option<String>>| {
        safety.policy(consumer, &groups(names), migration).map(|policy| policy.name.to_string())
    };
    for (consumer, names, migration, expected) in [
        (None, &[][..], None, Some("usual")),
        (None, &[], Some(&strict), Some("strict")),
        (None, &[], Some(&None), None),
        (Some("carl"), &[], None, Some("usual")),
        (Some("anna"), &["testers"], Some(&None), Some("strict")),
        (Some("andy"), &[], Some(&strict), None),
        (Some("ben"), &[], None, Some("strict")),
        (Some("carl"), &["testers"], Some(&strict), Some("strict")),
        (Some("carl"), &["testers"], Some(&None), None),
    ] {
        assert_eq!(name(consumer, names, migration).as_deref(), expected, "{consumer:?} {migration:?}");
    }
    // Bars alone change those of the policy that would hold, and only what they name.
    let bars = &safety.policy(Some("carl"), &groups(&["testers"]), None).unwrap().bars;
    assert_eq!((bars.of(Category::Violence), bars.of(Category::Hate)), (Bar::Off, Bar::Low));
    assert_eq!(safety.policy(Some("ben"), &[], None).unwrap().bars.of(Category::Custom), Bar::Max);
    assert_eq!(safety.policies["usual"].bars.of(Category::Violence), Bar::High);
}

#[test]
fn nothing_configured_is_nothing_judged() {
    assert!(Safety::default().policy(Some("anna"), &[], None).is_none());
    assert!(good("").policy(None, &[], None).is_none());
}

#[test]
fn each_mistake_has_its_sentence() {
    for (text, part) in [
        ("policy = \"other\"", "safety.policy is `other`: expected none or one of [safety.policies]: p"),
        ("held_bytes_max = 0", "safety.held_bytes_max is 0"),
        ("[policies.none]\nrequest = [\"judge\"]", "safety.policies.none: expected a name"),
        (
            "[policies.q]\nrequest = [\"jugde\"]",
            "safety.policies.q.request names `jugde`: expected one of [safety.backends]: judge",
        ),
        ("[policies.q]\nresponse = [\"judge\", \"judge\"]", "safety.policies.q.response names `judge` twice"),
        (
            "[policies.q]\nbars = { hat = \"low\" }",
            "safety.policies.q.bars has `hat`: expected default or one of harassment",
        ),
        ("[policies.q]\nstream = \"end\"\nwindow_characters = 5", "belong to stream = \"window\""),
        ("[policies.q]\nwindow_characters = 0", "safety.policies.q.window_characters is 0"),
        ("[policies.q]\nsentence = \" \"", "safety.policies.q.sentence is empty"),
        ("[[consumers]]\nname = \"a\"\nprefix = \"b\"\npolicy = \"p\"", "safety.consumers[0]: expected exactly one of"),
        ("[[consumers]]\nname = \"a\"", "safety.consumers[0] changes nothing"),
        ("[[consumers]]\npattern = \"(\"\npolicy = \"p\"", "safety.consumers[0].pattern is no regular expression"),
        ("[[consumers]]\nname = \"a\"\npolicy = \"x\"", "safety.consumers[0].policy is `x`"),
        ("[[consumers]]\nname = \"a\"\nbars = { x = \"low\" }", "safety.consumers[0].bars has `x`"),
    ] {
        let (_, problems) = check(&format!("{text}\n[policies.p]\nrequest = [\"judge\"]\n{BACKEND}"));
        assert_eq!(problems.len(), 1, "{text}: {problems:?}");
        assert!(problems[0].contains(part), "{problems:?}");
    }
}

#[test]
fn a_window_overlaps_by_what_its_lists_reach_unless_its_owner_wants_less() {
    let lists = "[backends.words]\nkind = \"lists\"\nlists = [\"en\"]\n";
    let overlap = |text: &str| {
        let text = format!("[policies.p]\nresponse = [\"words\"]\n{text}\n{lists}");
        let mut checker = Checker { problems: Vec::new(), warnings: Vec::new(), environment: &|_| None };
        let safety = checker.safety(&toml::from_str(&text).unwrap()).unwrap();
        let Stream::Window { overlap, .. } = safety.policies["p"].stream else { panic!("a window") };
        (overlap, checker.warnings.len())
    };
    let reach = guard::Lists::compile(&[guard::ListSource::bundled("en").unwrap()]).unwrap().reach();
    assert_eq!(overlap(""), (reach.max(100), 0));
    assert_eq!(overlap("overlap_characters = 10"), (10, 1));
}
