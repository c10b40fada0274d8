//! The same guard looks at both arms: every leg's record has its verdict, and the client never waits for those of copies.

use super::{BAD, BOTH, guarded, of_answer};
use crate::harness::{Plan, chat};
use datasets::{Arm, GuardAction, Role};
use mocks::{Provider, Script};
use serde_json::json;

#[tokio::test]
async fn shadow_and_repeated_legs_carry_verdicts() {
    // The candidate says what it should not; the client hears the baseline.
    let mut script = Script::new();
    script.say(Provider::OpenAi, "tell", "nothing of the kind");
    script.say(Provider::DeepSeek, "tell", format!("well, {BAD}"));
    for (mode, action) in [("enforce", GuardAction::Blocked), ("observe", GuardAction::Flagged)] {
        for stream in [false, true] {
            let plan = Plan {
                shadow_percent: 100.0,
                script: script.clone(),
                migration: "repeat_percent = 100.0",
                ..guarded(&format!("{BOTH}mode = \"{mode}\""))
            };
            let house = plan.build().await;
            let answer = house.ask(&chat("tell", &json!({"stream": stream}))).await;
            assert!(!answer.text.contains("fruit") && !answer.text.contains("from-security-guard"), "{}", answer.text);
            let records = house.records_of(3).await;
            let of = |role| records.iter().find(|record| record.role == role).unwrap();
            for (role, arm, expected) in [
                (Role::Served, Arm::Baseline, GuardAction::None),
                (Role::Repeat, Arm::Baseline, GuardAction::None),
                (Role::Shadow, Arm::Candidate, action),
            ] {
                let record = of(role);
                assert_eq!((record.arm, of_answer(record).action), (arm, expected), "{mode} {stream} {role:?}");
                // The request is the same for all, and was judged once.
                assert_eq!(record.guard.as_ref().unwrap().request.as_ref().unwrap().action, GuardAction::None);
                assert_eq!((record.error, record.moderation), (None, None));
            }
            assert_eq!(of_answer(of(Role::Shadow)).categories, ["illicit"]);
        }
    }
}

#[tokio::test]
async fn the_verdict_on_record_is_over_the_whole_answer_whatever_the_window() {
    // Long enough for many windows.
    let content = format!("{}end", "peaceful words ".repeat(100));
    let mut script = Script::new();
    for provider in [Provider::OpenAi, Provider::DeepSeek] {
        script.say(provider, "tell", content.clone());
    }
    let policy = format!("{BOTH}window_characters = 50\noverlap_characters = 20");
    let house = Plan { shadow_percent: 100.0, script, ..guarded(&policy) }.build().await;
    let answer = house.ask(&chat("tell", &json!({"stream": true}))).await;
    assert!(answer.text.ends_with("data: [DONE]\n\n"));
    let records = house.records_of(2).await;
    assert_eq!(of_answer(&records[0]), of_answer(&records[1]));
    assert!(house.sample("weighbridge_guard_delay_seconds_count{at=\"first_text\"}").await > 0.5);
    assert!(house.sample("weighbridge_guard_delay_seconds_count{at=\"end\"}").await > 0.5);
}
