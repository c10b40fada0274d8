use super::*;
use proptest::prelude::*;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

fn entry(n: u64) -> Entry {
    Entry {
        at: format!("2026-11-23T12:00:{:02}Z", n % 60),
        what: if n.is_multiple_of(2) { What::Raise } else { What::Stay },
        who: "gate".to_owned(),
        replica: None,
        migration: "m".to_owned(),
        target: "http://127.0.0.1:8081".to_owned(),
        from_percent: Some(5.0),
        to_percent: Some(0.1 + n as f64),
        epoch: Some(n),
        why: format!("because {n}: \"quoted\" — ü\n"),
        evidence: None,
    }
}

struct Folder {
    folder: tempfile::TempDir,
}

impl Folder {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("audit.ndjson")
    }

    fn log(&self) -> Log {
        Log::new(self.path())
    }

    fn bytes(&self) -> Vec<u8> {
        fs::read(self.path()).unwrap()
    }

    fn put(&self, bytes: &[u8]) {
        fs::write(self.path(), bytes).unwrap();
    }
}

/// The bytes of a log of `count` decisions, and its head.
fn written(count: u64) -> (Vec<u8>, Head) {
    let folder = Folder::new();
    let head = (0..count).fold(Head::none(), |_, n| folder.log().append(&entry(n)).unwrap());
    (if count == 0 { Vec::new() } else { folder.bytes() }, head)
}

fn check(bytes: &[u8], expected: &Expected) -> Outcome {
    verify(bytes, expected).unwrap()
}

fn sound(bytes: &[u8]) -> Verified {
    match check(bytes, &Expected::default()) {
        Outcome::Verified(verified) => verified,
        Outcome::Broken(broken) => panic!("{broken:?}"),
    }
}

fn broken(bytes: &[u8], expected: &Expected) -> Broken {
    match check(bytes, expected) {
        Outcome::Broken(broken) => broken,
        Outcome::Verified(verified) => panic!("not found: {verified:?}"),
    }
}

#[test]
fn what_was_appended_is_read_and_verified() {
    let folder = Folder::new();
    assert_eq!(folder.log().read().unwrap(), Vec::new());
    assert!(!folder.path().exists(), "reading makes no file");
    let mut head = Head::none();
    for n in 0..5 {
        head = folder.log().append(&entry(n)).unwrap();
        assert_eq!(head.lines, n + 1);
    }
    assert_eq!(folder.log().read().unwrap(), (0..5).map(entry).collect::<Vec<_>>());
    assert_eq!(sound(&folder.bytes()), Verified { head, torn: Vec::new() });
    let first = String::from_utf8(folder.bytes()).unwrap();
    assert!(first.starts_with(&format!("{{\"n\":1,\"previous\":\"{}\",\"entry\":", "0".repeat(64))), "{first}");
    assert_eq!(sound(b""), Verified { head: Head::none(), torn: Vec::new() });
}

#[test]
fn a_long_file_is_appended_to_by_its_end_alone() {
    let folder = Folder::new();
    let long = Entry { why: "w".repeat(200_000), ..entry(0) };
    let heads: Vec<Head> = (0..12).map(|_| folder.log().append(&long).unwrap()).collect();
    // What lies far before the end is not looked at; a reader finds it.
    let mut bytes = folder.bytes();
    bytes[1000] ^= 1;
    folder.put(&bytes);
    let head = folder.log().append(&entry(1)).unwrap();
    assert_eq!(head.lines, heads.len() as u64 + 1);
    assert!(matches!(folder.log().read(), Err(AuditError::Broken { .. })));
    assert_eq!(broken(&folder.bytes(), &Expected::default()).line, 1);
    let huge = Entry { why: "w".repeat(300_000), ..entry(0) };
    let before = folder.bytes().len();
    assert!(matches!(folder.log().append(&huge), Err(AuditError::TooLong { .. })));
    assert_eq!(folder.bytes().len(), before);
}

#[test]
fn a_line_that_was_torn_off_stays_and_the_next_one_tells_of_it() {
    let (bytes, _) = written(3);
    let (_, last) = bytes[..bytes.len() - 1].rsplit_once_byte(b'\n');
    let start = bytes.len() - 1 - last.len();
    for kept in 1..=last.len() {
        let folder = Folder::new();
        let cut = &bytes[..start + kept];
        folder.put(cut);
        let whole = kept == last.len();
        let seen = sound(cut);
        assert_eq!((seen.head.lines, seen.torn.len()), if whole { (3, 0) } else { (2, 1) }, "{kept} bytes of the line");
        assert_eq!(folder.log().read().unwrap().len(), seen.head.lines as usize);
        let head = folder.log().append(&entry(9)).unwrap();
        assert!(folder.bytes().starts_with(cut), "nothing of it is lost");
        let after = sound(&folder.bytes());
        assert_eq!(after.head, head);
        assert_eq!(head.lines, seen.head.lines + 1);
        if !whole {
            assert_eq!(after.torn, [Torn { line: 3, bytes: kept, told: true }]);
            // It can no more be changed or taken away than a whole one.
            let mut changed = folder.bytes();
            changed[start] = b'[';
            broken(&changed, &Expected::default());
            let gone = [&folder.bytes()[..start], &folder.bytes()[start + kept + 1..]].concat();
            broken(&gone, &Expected::default());
        }
    }
}

trait RSplit {
    fn rsplit_once_byte(&self, byte: u8) -> (&[u8], &[u8]);
}

impl RSplit for [u8] {
    fn rsplit_once_byte(&self, byte: u8) -> (&[u8], &[u8]) {
        let at = self.iter().rposition(|found| *found == byte).unwrap();
        (&self[..at], &self[at + 1..])
    }
}

#[test]
fn the_end_of_a_torn_line_may_be_torn_as_well_and_zeros_are_no_line() {
    let (bytes, _) = written(2);
    let (part, more) = (&bytes[..40], &bytes[..70]);
    for tail in [[part, b"\n"].concat(), [part, b"\n", more].concat(), vec![0; 100], [part, &[0; 30]].concat()] {
        let folder = Folder::new();
        let text = [&bytes[..], &tail].concat();
        folder.put(&text);
        assert!(!sound(&text).torn.is_empty());
        let head = folder.log().append(&entry(5)).unwrap();
        let after = sound(&folder.bytes());
        assert_eq!((after.head.lines, &after.head), (3, &head));
        assert!(after.torn.iter().all(|torn| torn.told), "{after:?}");
        assert!(folder.bytes().starts_with(&text));
    }
    // A file that begins with a torn line.
    let folder = Folder::new();
    folder.put(part);
    assert_eq!(folder.log().append(&entry(5)).unwrap().lines, 1);
    assert_eq!(sound(&folder.bytes()).torn.len(), 1);
}

#[test]
fn what_is_no_log_is_not_appended_to() {
    let (bytes, _) = written(2);
    let mut last_changed = bytes.clone();
    let at = bytes.len() - 200;
    last_changed[at] ^= 1;
    let texts: [&[u8]; 6] =
        [b"dear diary\n", b"\n", &[&bytes[..], b"\n"].concat(), &last_changed, b"{}\n", &[b'{'; 3_000_000]];
    for text in texts {
        let folder = Folder::new();
        folder.put(text);
        let shown = String::from_utf8_lossy(&text[..text.len().min(60)]).into_owned();
        let error = folder.log().append(&entry(1)).expect_err(&shown).to_string();
        assert!(error.contains("audit verify"), "{error}");
        assert_eq!(folder.bytes(), text, "and stays as it is");
        broken(text, &Expected::default());
    }
    let folder = Folder::new();
    fs::create_dir(folder.path()).unwrap();
    assert!(matches!(folder.log().append(&entry(1)), Err(AuditError::NoFile { .. })));
}

#[test]
fn a_disk_that_refuses_is_an_error_and_nothing_was_appended() {
    let folder = Folder::new();
    let error = Log::new(folder.path().join("not/there")).append(&entry(1)).unwrap_err().to_string();
    assert!(error.contains("create the folder"), "{error}");
    #[cfg(target_os = "linux")]
    assert!(matches!(Log::new("/dev/full").append(&entry(1)), Err(AuditError::NoFile { .. })));
}

#[test]
fn threads_that_append_at_once_never_break_the_chain() {
    let folder = Folder::new();
    let (threads, each) = (8, 25);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let log = folder.log();
            scope.spawn(move || (0..each).for_each(|n| drop(log.append(&entry(thread * each + n)).unwrap())));
        }
    });
    let verified = sound(&folder.bytes());
    assert_eq!((verified.head.lines, verified.torn.len()), (threads * each, 0));
    let mut epochs: Vec<u64> = folder.log().read().unwrap().iter().filter_map(|entry| entry.epoch).collect();
    epochs.sort_unstable();
    assert_eq!(epochs, (0..threads * each).collect::<Vec<_>>(), "none is lost, none is there twice");
}

#[test]
fn a_cut_off_end_is_found_by_what_was_kept_elsewhere() {
    let (bytes, head) = written(4);
    let (grown, _) = written(6);
    let (shorter, _) = written(3);
    let known = Expected { head: Some(head.hash.clone()), lines: Some(4) };
    for expected in [
        known.clone(),
        Expected { lines: None, ..known.clone() },
        Expected { head: None, ..known.clone() },
        Expected { head: Some(head.hash.to_uppercase()), lines: None },
        Expected { head: Some(Head::none().hash), lines: None },
    ] {
        for text in [&bytes, &grown] {
            assert!(matches!(check(text, &expected), Outcome::Verified(_)), "{expected:?}: it may have grown since");
        }
    }
    for expected in [known.clone(), Expected { lines: None, ..known.clone() }, Expected { head: None, ..known.clone() }]
    {
        let found = broken(&shorter, &expected);
        assert!(found.what.contains("cut off") && found.sound.lines == 3 && found.line == 4, "{found:?}");
    }
    // The hash is of another decision than the number says.
    broken(&grown, &Expected { lines: Some(5), ..known });
}

#[test]
fn what_is_wrong_is_told_with_both_sides() {
    let (bytes, _) = written(3);
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let missing = broken(&[lines[0], lines[2]].concat(), &Expected::default());
    assert_eq!((missing.line, missing.expected.as_str(), missing.found.as_str()), (2, "n 2", "n 3"));
    assert_eq!(missing.sound.lines, 1);
    // A line that is sound by itself, of another log.
    let other = Folder::new();
    (5..8).for_each(|n| drop(other.log().append(&entry(n)).unwrap()));
    let theirs = other.bytes();
    let theirs: Vec<&[u8]> = theirs.split_inclusive(|byte| *byte == b'\n').collect();
    let replaced = broken(&[lines[0], theirs[1], lines[2]].concat(), &Expected::default());
    assert!(replaced.line == 2 && replaced.what.contains("put in its place"), "{replaced:?}");
}

/// A log that was written once, for all cases.
fn fixed() -> &'static (Vec<u8>, Head) {
    static FIXED: std::sync::OnceLock<(Vec<u8>, Head)> = std::sync::OnceLock::new();
    FIXED.get_or_init(|| {
        let folder = Folder::new();
        (0..2).for_each(|n| drop(folder.log().append(&entry(n)).unwrap()));
        // With a torn line in the middle.
        fs::OpenOptions::new().append(true).open(folder.path()).unwrap().write_all(b"{\"n\":3,\"prev").unwrap();
        let head = (2..5).fold(Head::none(), |_, n| folder.log().append(&entry(n)).unwrap());
        (folder.bytes(), head)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_byte_that_was_changed_is_found(place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let (bytes, _) = fixed();
        let mut changed = bytes.clone();
        let at = place.index(changed.len());
        prop_assume!(changed[at] != byte);
        changed[at] = byte;
        broken(&changed, &Expected::default());
    }

    #[test]
    fn any_byte_that_is_gone_or_new_is_found(place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let (bytes, _) = fixed();
        let at = place.index(bytes.len());
        let new = [&bytes[..at], &[byte], &bytes[at..]].concat();
        // A line feed beside a line feed is a byte that was put in elsewhere.
        broken(&new, &Expected::default());
        let gone = [&bytes[..at], &bytes[at + 1..]].concat();
        match check(&gone, &Expected::default()) {
            Outcome::Broken(_) => {}
            // The last line feed: all decisions are there.
            Outcome::Verified(verified) => prop_assert!(at + 1 == bytes.len() && verified.head == fixed().1),
        }
    }

    #[test]
    fn any_line_that_is_gone_swapped_or_put_in_is_found(a in 0_usize..6, b in 0_usize..6) {
        let (bytes, head) = fixed();
        let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        prop_assert_eq!(lines.len(), 6);
        let known = Expected { head: Some(head.hash.clone()), lines: None };
        let without: Vec<&[u8]> = lines.iter().enumerate().filter(|(at, _)| *at != a).map(|(_, line)| *line).collect();
        broken(&without.concat(), &known);
        let mut swapped = lines.clone();
        swapped.swap(a, b);
        if a != b {
            broken(&swapped.concat(), &known);
        }
        let mut more = lines.clone();
        more.insert(b, lines[a]);
        broken(&more.concat(), &known);
    }

    #[test]
    fn nothing_breaks_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _outcome = verify(&bytes[..], &Expected::default()).unwrap();
    }
}

#[test]
fn a_reader_that_takes_its_time_keeps_nobody_from_writing() {
    let folder = Folder::new();
    (0..3).for_each(|n| drop(folder.log().append(&entry(n)).unwrap()));
    let mut seen = 0;
    let head = folder.log().each(|line| {
        seen += 1;
        let quick = Log { lock_wait: Duration::ZERO, ..folder.log() };
        assert_eq!(quick.append(&entry(line.n)).unwrap().lines, 3 + line.n);
    });
    // What was there when reading began, and the rest the next time.
    assert_eq!((seen, head.unwrap().lines), (3, 3));
    assert_eq!(sound(&folder.bytes()).head.lines, 6);
}

#[test]
fn a_lock_that_somebody_keeps_is_an_error_and_not_the_end() {
    let folder = Folder::new();
    let first = folder.log().append(&entry(0)).unwrap();
    // Whoever may read the file can do this.
    let kept = fs::File::open(folder.path()).unwrap();
    kept.lock_shared().unwrap();
    let log = Log { lock_wait: Duration::from_millis(20), ..folder.log() };
    assert!(matches!(log.append(&entry(1)), Err(AuditError::Locked { .. })));
    assert_eq!(log.read().unwrap().len(), 1, "two who look do not disturb each other");
    kept.unlock().unwrap();
    assert_eq!(log.append(&entry(1)).unwrap().lines, 2);
    assert_eq!(sound(&folder.bytes()).head.lines, 2);
    assert_eq!(first.lines, 1);
}

#[test]
fn a_line_that_is_being_written_is_no_break() {
    let folder = Folder::new();
    (0..2).for_each(|n| drop(folder.log().append(&entry(n)).unwrap()));
    let (whole, half) = (folder.bytes(), folder.bytes().len() - 7);
    folder.put(&whole[..half]);
    let writer = fs::OpenOptions::new().append(true).open(folder.path()).unwrap();
    writer.lock().unwrap();
    let looking = Log { lock_wait: Duration::from_millis(20), ..folder.log() };
    assert!(matches!(looking.verify(&Expected::default()), Err(AuditError::Locked { .. })));
    (&writer).write_all(&whole[half..]).unwrap();
    writer.unlock().unwrap();
    assert!(matches!(looking.verify(&Expected::default()).unwrap(), Outcome::Verified(found) if found.head.lines == 2));
}
