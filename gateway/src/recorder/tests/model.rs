//! The writer against a model: whatever the disk does and however parts are cut, the files hold exactly what was
//! accepted and not counted as lost, in order.

use super::super::parts::Parts;
use super::super::queue::{Bounds, Priority, Queue};
use super::super::tally::Tally;
use super::super::writer::{Now, Writer};
use super::*;
use proptest::prelude::*;
use std::time::Instant;

#[derive(Debug, Clone)]
enum Action {
    /// A record whose line has about so many bytes.
    Record(usize),
    /// The writer comes by.
    Visit,
    /// The disk takes so many bytes more.
    Room(usize),
    /// The disk has room again.
    Free,
    /// Time passes, seconds.
    Pass(u64),
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let action = prop_oneof![
        6 => (0usize..3000).prop_map(Action::Record),
        4 => Just(Action::Visit),
        1 => (0usize..5000).prop_map(Action::Room),
        2 => Just(Action::Free),
        1 => (1u64..100).prop_map(Action::Pass),
    ];
    prop::collection::vec(action, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn files_hold_exactly_what_was_accepted_and_not_lost(actions in actions(), rotate_bytes_max in 600u64..8000) {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::new();
        let records = Records {
            rotate_bytes_max,
            rotate_interval: Some(Duration::from_secs(60)),
            queue_lines_max: 10,
            ..records(folder.path())
        };
        let tally = Arc::<Tally>::default();
        let mut now = Now { instant: Instant::now(), wall_us: 1_795_391_100_000_000 };
        let header = Header::new(Format::Exchanges, Redaction::Hashed);
        let parts = Parts::open(&records, header, disk.opener(), Arc::clone(&tally), now).unwrap();
        let mut writer = Writer::new(parts, &records, Arc::clone(&tally));
        let queue = Queue::new(Bounds { lines: 10, bytes: 1 << 20 });
        let (mut accepted, mut room) = (Vec::new(), usize::MAX);
        for (number, action) in actions.into_iter().enumerate() {
            match action {
                Action::Record(bytes) => {
                    let record = Exchange { answer: Some("x".repeat(bytes)), ..exchange(&number.to_string(), Role::Served) };
                    let line = format!("{}\n", serde_json::to_string(&record).unwrap());
                    if queue.offer(line.as_bytes(), Priority::Served) {
                        accepted.push(number.to_string());
                    } else {
                        tally.refused(Priority::Served);
                    }
                }
                Action::Visit => {
                    writer.visit(&queue, now);
                    if room == usize::MAX {
                        prop_assert!(tally.healthy(), "a disk with room takes everything");
                        prop_assert_eq!(queue.lines(), 0);
                    }
                }
                Action::Room(bytes) => {
                    room = bytes;
                    disk.room(bytes);
                }
                Action::Free => {
                    room = usize::MAX;
                    disk.room(room);
                }
                Action::Pass(seconds) => {
                    now.instant += Duration::from_secs(seconds);
                    now.wall_us += seconds as i64 * 1_000_000;
                }
            }
        }
        let written = {
            queue.close();
            writer.run(&queue, NEVER);
            tally.counts(queue.lines())
        };
        let found: Vec<String> =
            super::parts(folder.path()).iter().filter(|path| path.metadata().unwrap().len() > 0)
                .flat_map(|path| pairs_in(path)).collect();
        // The end may come while the disk is full; what is lost then is the newest.
        prop_assert_eq!(found.len() as u64, written.written);
        prop_assert_eq!(&found[..], &accepted[..found.len()]);
        if room == usize::MAX {
            prop_assert_eq!(found.len(), accepted.len());
        }
    }
}
