use super::*;
use crate::policy::tests::policy;
use crate::policy::{Bar, ByCategory, Deed, OnFailure, masked};
use crate::verdict::{Category, Failure, Finding, Level, Verdict};
use proptest::prelude::*;
use wire::sse::Decoder;

/// What no client may read.
const BAD: &str = "verboten";

fn plan(characters: usize, overlap: usize) -> Plan {
    Plan { characters, overlap, late: false, held_bytes_max: 1 << 20 }
}

fn blocking() -> Arc<Policy> {
    Arc::new(Policy { bars: ByCategory::all(Bar::High), ..policy() })
}

fn masking() -> Arc<Policy> {
    Arc::new(Policy { deeds: ByCategory::all(Deed::Mask), ..policy() })
}

/// Finds the word wherever it stands.
fn judge(text: &str) -> Vec<Judged> {
    let finding = |(at, word): (usize, &str)| Finding {
        category: Category::Custom,
        label: "word".to_owned(),
        level: Level::High,
        score: None,
        spans: std::iter::once(at..at + word.len()).collect(),
    };
    vec![("a".into(), Ok(Verdict { findings: text.match_indices(BAD).map(finding).collect() }))]
}

fn chunk(choice: u64, text: &str) -> String {
    let choice = serde_json::json!({"index": choice, "delta": {"content": text}, "finish_reason": null});
    format!("data: {}\n\n", serde_json::json!({"id": "c", "choices": [choice], "usage": null}))
}

fn finish(choice: u64) -> String {
    format!("data: {{\"choices\":[{{\"index\":{choice},\"delta\":{{}},\"finish_reason\":\"stop\"}}]}}\n\n")
}

fn frames(stream: &str) -> Vec<Frame> {
    let mut decoder = Decoder::new();
    decoder.push(Bytes::copy_from_slice(stream.as_bytes()));
    std::iter::from_fn(|| decoder.next_frame()).collect()
}

/// What each choice's client has read.
fn read(bytes: &[u8], choice: u64) -> String {
    let frames = frames(std::str::from_utf8(bytes).unwrap());
    let events = frames.iter().filter_map(Frame::data).map(|data| of_event(Endpoint::Chat, data));
    events
        .flat_map(|event| event.said)
        .filter(|said| said.channel.choice == choice)
        .map(|said| said.piece.text)
        .collect()
}

/// Runs a stream through a window; `late` says after how many further frames a batch's judgement arrives.
fn run(window: &mut Window, stream: &str, late: &mut dyn FnMut() -> usize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut waiting: Option<(Batch, usize)> = None;
    let mut frames = frames(stream).into_iter();
    loop {
        out.extend_from_slice(&window.ready());
        if waiting.is_none() {
            waiting = window.due().map(|batch| (batch, late()));
        }
        if waiting.as_ref().is_some_and(|(_, wait)| *wait == 0) {
            let (batch, _) = waiting.take().unwrap();
            let results: Vec<Vec<Judged>> = batch.texts().map(judge).collect();
            window.judged(&batch, &results);
            continue;
        }
        match frames.next() {
            Some(frame) => window.push(frame),
            None => {
                window.end();
                if waiting.is_none() {
                    waiting = window.due().map(|batch| (batch, 0));
                    if waiting.is_none() {
                        out.extend_from_slice(&window.ready());
                        return out;
                    }
                }
            }
        }
        if let Some((_, wait)) = &mut waiting {
            *wait = wait.saturating_sub(1);
        }
        if window.is_cut() {
            return out;
        }
    }
}

fn at_once() -> impl FnMut() -> usize {
    || 0
}

fn stream_of(pieces: &[(u64, String)]) -> String {
    let mut stream: String = pieces.iter().map(|(choice, text)| chunk(*choice, text)).collect();
    let choices: std::collections::BTreeSet<u64> = pieces.iter().map(|(choice, _)| *choice).collect();
    choices.iter().for_each(|choice| stream.push_str(&finish(*choice)));
    stream + "data: [DONE]\n\n"
}

/// A text cut into pieces.
fn cut(text: &str, cuts: &[usize]) -> Vec<String> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| text.floor_char_boundary(cut % (text.len() + 1))).collect();
    places.extend([0, text.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| text[pair[0]..pair[1]].to_owned()).collect()
}

#[test]
fn text_goes_out_when_its_window_was_judged_and_the_overlap_waits() {
    let mut window = Window::new(Endpoint::Chat, blocking(), plan(10, 4));
    let push = |window: &mut Window, stream: &str| frames(stream).into_iter().for_each(|frame| window.push(frame));
    push(&mut window, "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\"}}]}\n\n");
    assert!(!window.ready().is_empty(), "a frame without text goes at once");
    push(&mut window, &(chunk(0, "12345") + &chunk(0, "67890")));
    assert!(window.ready().is_empty());
    let batch = window.due().unwrap();
    assert_eq!(batch.texts().collect::<Vec<_>>(), ["1234567890"]);
    // While that is being judged, more comes, and comments go by.
    push(&mut window, &(": keep-alive\n\n".to_owned() + &chunk(0, "x")));
    assert_eq!(window.ready(), ": keep-alive\n\n");
    assert!(window.due().is_none());
    window.judged(&batch, &[judge("1234567890")]);
    assert_eq!(read(&window.ready(), 0), "12345", "the last four characters wait, with the frame that holds them");
    assert!(window.due().is_none() && window.holds());
    push(&mut window, &finish(0));
    let batch = window.due().unwrap();
    assert_eq!(batch.texts().collect::<Vec<_>>(), ["34567890x"], "context, what was held back, and what is new");
    window.judged(&batch, &[judge("34567890x")]);
    assert_eq!(read(&window.ready(), 0), "67890x");
    assert!(!window.holds() && !window.was_judged_whole());
}

#[test]
fn full_holds_everything_and_end_only_the_end() {
    let stream = stream_of(&[(0, "some ".into()), (0, "text".into())]);
    let mut window = Window::new(Endpoint::Chat, blocking(), Plan::new(Stream::Full, 1 << 20));
    frames(&stream)[..2].iter().for_each(|frame| window.push(frame.clone()));
    assert!(window.ready().is_empty() && window.due().is_none());
    frames(&stream)[2..].iter().for_each(|frame| window.push(frame.clone()));
    let batch = window.due().unwrap();
    window.judged(&batch, &[judge("some text")]);
    assert_eq!(window.ready(), stream.as_bytes());
    assert!(window.was_judged_whole());

    // What has gone out cannot be masked any more: either way the sentence follows.
    for policy in [blocking(), masking()] {
        let mut window = Window::new(Endpoint::Chat, policy, Plan::new(Stream::End, 1 << 20));
        let stream = stream_of(&[(0, "so ".into()), (0, BAD.into())]);
        frames(&stream).into_iter().for_each(|frame| window.push(frame));
        let out = window.ready();
        assert_eq!(read(&out, 0), format!("so {BAD}"));
        assert!(!String::from_utf8_lossy(&out).contains("stop"), "the finish waits");
        let batch = window.due().unwrap();
        window.judged(&batch, &[judge(&format!("so {BAD}"))]);
        assert!(window.is_cut() && window.ready().is_empty());
    }
}

#[test]
fn a_long_answer_is_judged_in_parts_rather_than_held_without_bound() {
    let text = "word ".repeat(4000);
    let pieces: Vec<(u64, String)> =
        cut(&text, &(0..2000).map(|at| at * 10).collect::<Vec<_>>()).into_iter().map(|text| (0, text)).collect();
    let mut window = Window::new(Endpoint::Chat, blocking(), Plan::new(Stream::Full, 50_000));
    let mut held = 0;
    let stream = stream_of(&pieces);
    let mut out = Vec::new();
    for frame in frames(&stream) {
        window.push(frame);
        held = held.max(window.pressure());
        while let Some(batch) = window.due() {
            let results: Vec<Vec<Judged>> = batch.texts().map(judge).collect();
            window.judged(&batch, &results);
            out.extend_from_slice(&window.ready());
        }
        out.extend_from_slice(&window.ready());
    }
    assert_eq!(out, stream.as_bytes());
    assert!(held < 100_000, "{held}");
}

#[test]
fn what_was_not_judged_is_told_and_blocked_where_the_policy_says_so() {
    for (on_failure, is_cut) in [(OnFailure::Open, false), (OnFailure::Closed, true)] {
        let policy = Arc::new(Policy { on_failure, ..policy() });
        let stream = stream_of(&[(0, "text".into())]);
        let mut window = Window::new(Endpoint::Chat, Arc::clone(&policy), plan(100, 10));
        frames(&stream).into_iter().for_each(|frame| window.push(frame));
        let batch = window.due().unwrap();
        window.judged(&batch, &[vec![("a".into(), Err(Failure::Timeout))]]);
        assert_eq!((window.is_cut(), window.ready().is_empty()), (is_cut, is_cut));
        assert_eq!(window.decision().failed, [("a".into(), "timeout")].into());
        // A chunk that nobody can read is a failure, too.
        let mut window = Window::new(Endpoint::Chat, policy, plan(100, 10));
        frames("data: {\"choices\":[{\"delta\n\n").into_iter().for_each(|frame| window.push(frame));
        assert!(window.due().is_none());
        assert_eq!((window.is_cut(), window.ready().is_empty()), (is_cut, is_cut));
        assert_eq!(window.decision().failed, [("a".into(), "malformed")].into());
    }
}

#[test]
fn an_unreadable_frame_goes_nowhere_before_anybody_asks_what_is_due() {
    let policy = Arc::new(Policy { on_failure: OnFailure::Closed, ..policy() });
    let mut window = Window::new(Endpoint::Chat, policy, plan(100, 10));
    let stream = format!(": alive\n\ndata: {{\"choices\":[{{\"delta\":{{\"content\":\"{BAD}\"}}}}],}}\n\n");
    frames(&stream).into_iter().for_each(|frame| window.push(frame));
    assert_eq!(window.ready(), ": alive\n\n");
    assert!(window.due().is_none() && window.is_cut() && window.ready().is_empty());
}

#[test]
fn masked_frames_lose_their_tokens() {
    let chunk = format!(
        "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"x {BAD}\"}},\"logprobs\":{{\"content\":[{{\"token\":\"{BAD}\"}}]}}}}]}}\n\n"
    );
    let mut window = Window::new(Endpoint::Chat, masking(), plan(100, 10));
    let out = run(&mut window, &(chunk + "data: [DONE]\n\n"), &mut at_once());
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x [word]\"},\"logprobs\":null}]}\n\ndata: [DONE]\n\n"
    );
}

fn event(kind: &str, members: &str) -> String {
    format!("event: {kind}\ndata: {{\"type\":\"{kind}\",\"output_index\":0,{members}}}\n\n")
}

#[test]
fn events_that_repeat_a_text_wait_for_it_and_are_masked_like_it() {
    let delta = |text: &str| event("response.output_text.delta", &format!("\"content_index\":0,\"delta\":\"{text}\""));
    let whole = format!("see {BAD} here");
    let stream = delta("see verb")
        + &delta("oten here")
        + &event("response.output_text.done", &format!("\"text\":\"{whole}\""))
        + &event(
            "response.completed",
            &format!("\"response\":{{\"output\":[{{\"content\":[{{\"text\":\"{whole}\"}}]}}]}}"),
        );
    let mut window = Window::new(Endpoint::Responses, masking(), plan(1000, 10));
    let out = String::from_utf8(run(&mut window, &stream, &mut at_once())).unwrap();
    assert!(!out.contains("verb") && !out.contains("oten"), "{out}");
    assert_eq!(out.matches("see [word] here").count(), 2, "{out}");
    assert_eq!(out.matches("event: ").count(), 4);
    // One that says what was never told before is judged for itself.
    let stream = delta("nothing") + &event("response.output_text.done", &format!("\"text\":\"{BAD}\""));
    let mut window = Window::new(Endpoint::Responses, blocking(), plan(1000, 10));
    run(&mut window, &stream, &mut at_once());
    assert!(window.is_cut());
}

proptest! {
    #[test]
    fn nothing_of_a_violation_goes_out_whatever_the_chunking(
        before in "[a-zé文 ]{0,60}", after in "[a-zé文 ]{0,60}", other in "[a-z ]{0,40}",
        cuts in proptest::collection::vec(any::<usize>(), 0..30),
        other_cuts in proptest::collection::vec(any::<usize>(), 0..10),
        characters in 1usize..40, overlap in BAD.len()..20,
        waits in proptest::collection::vec(0usize..6, 1..8),
        order in proptest::collection::vec(any::<bool>(), 60),
    ) {
        let text = format!("{before}{BAD}{after}");
        let mut first = cut(&text, &cuts).into_iter();
        let mut second = cut(&other, &other_cuts).into_iter();
        let mut pieces = Vec::new();
        let mut order = order.into_iter();
        loop {
            let next = if order.next().unwrap_or(true) { first.next().map(|text| (0, text)) } else { None };
            match next.or_else(|| second.next().map(|text| (1, text))).or_else(|| first.next().map(|text| (0, text))) {
                Some(piece) => pieces.push(piece),
                None => break,
            }
        }
        let mut window = Window::new(Endpoint::Chat, blocking(), plan(characters, overlap));
        let mut waits = waits.into_iter().cycle();
        let out = run(&mut window, &stream_of(&pieces), &mut || waits.next().unwrap());
        prop_assert!(window.is_cut());
        let seen = read(&out, 0);
        let first = text.find(BAD).unwrap();
        prop_assert!(text[..first].starts_with(&seen), "{:?} of {:?}", seen, text);
        prop_assert!(other.starts_with(&read(&out, 1)));
    }

    #[test]
    fn what_is_harmless_passes_byte_for_byte(
        text in "\\PC{0,120}",
        cuts in proptest::collection::vec(any::<usize>(), 0..30),
        characters in 1usize..40, overlap in 0usize..20, held_bytes_max in 1usize..2000,
        waits in proptest::collection::vec(0usize..6, 1..8),
        late in any::<bool>(),
    ) {
        prop_assume!(!text.contains(BAD));
        let pieces: Vec<(u64, String)> = cut(&text, &cuts).into_iter().map(|text| (0, text)).collect();
        let stream = stream_of(&pieces);
        let mut window = Window::new(Endpoint::Chat, blocking(), Plan { late, held_bytes_max, ..plan(characters, overlap) });
        let mut waits = waits.into_iter().cycle();
        let out = run(&mut window, &stream, &mut || waits.next().unwrap());
        prop_assert_eq!(String::from_utf8(out).unwrap(), stream);
        prop_assert_eq!(window.decision().action, Action::None);
    }

    #[test]
    fn masks_are_those_of_the_whole_text_whatever_the_chunking(
        words in proptest::collection::vec(prop_oneof![Just(BAD), Just("é"), Just("verb"), Just("文 "), Just("oten")], 0..20),
        cuts in proptest::collection::vec(any::<usize>(), 0..30),
        characters in 1usize..40, overlap in BAD.len()..20,
        waits in proptest::collection::vec(0usize..6, 1..8),
    ) {
        let text = words.concat();
        let pieces: Vec<(u64, String)> = cut(&text, &cuts).into_iter().map(|text| (0, text)).collect();
        let mut window = Window::new(Endpoint::Chat, masking(), plan(characters, overlap));
        let mut waits = waits.into_iter().cycle();
        let out = run(&mut window, &stream_of(&pieces), &mut || waits.next().unwrap());
        let whole = decide(&masking(), &judge(&text), &text, 0, text.len());
        prop_assert_eq!(read(&out, 0), masked(&text, &whole.masks));
        prop_assert!(out.ends_with(b"data: [DONE]\n\n"));
    }

    #[test]
    fn no_stream_is_too_odd(bytes in "(data: )?[\\[\\]{}\":,a-c0-9\\\\ \n]{0,120}", endpoint in 0usize..5) {
        let mut window = Window::new(Endpoint::ALL[endpoint], masking(), plan(3, 2));
        let stream = bytes + "\n\n";
        run(&mut window, &stream, &mut at_once());
    }
}
