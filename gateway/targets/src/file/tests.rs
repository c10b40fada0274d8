#![expect(clippy::float_cmp, reason = "hundredths of a percent are the same float wherever they come from")]

use super::*;

/// A target of a text that is in no file.
pub(super) struct Paper<'a> {
    pub(super) target: FileTarget,
    pub(super) text: &'a str,
}

pub(super) fn paper<'a>(address: &str, arms: (&str, &str), text: &'a str) -> Paper<'a> {
    let (kind, place) = address.split_once(':').unwrap();
    Paper { target: FileTarget::parse(kind, place, Some(arms.0), Some(arms.1)).unwrap(), text }
}

impl Paper<'_> {
    /// Weight and mirrored share, percent.
    pub(super) fn look(&self) -> Result<(f64, Option<f64>), String> {
        let state =
            self.target.look(self.text).map_err(|fault| fault.of(&self.target.shown(), self.text).to_string())?;
        Ok((split::percent(state.weight), state.mirror.map(split::percent)))
    }

    pub(super) fn plan(&self, weight_percent: f64, mirror_percent: Option<f64>) -> Result<Plan, String> {
        let found = Found { in_force: InForce::default(), text: self.text.to_owned() };
        self.target.plan(&found, Wanted { weight_percent, mirror_percent }).map_err(|error| error.to_string())
    }

    /// The new text.
    pub(super) fn set(&self, weight_percent: f64, mirror_percent: Option<f64>) -> String {
        let plan = self.plan(weight_percent, mirror_percent).unwrap();
        assert_eq!(plan.wanted, Wanted { weight_percent, mirror_percent }, "{}", plan.shown);
        plan.text
    }
}

/// Lines that were replaced, and by what.
pub(super) fn changed_lines(old: &str, new: &str) -> Vec<(String, String)> {
    assert_eq!(old.lines().count(), new.lines().count());
    let pairs = old.split_inclusive('\n').zip(new.split_inclusive('\n'));
    pairs.filter(|(old, new)| old != new).map(|(old, new)| (old.trim().to_owned(), new.trim().to_owned())).collect()
}

fn json(folder: &Path, name: &str) -> FileTarget {
    FileTarget::parse("json", &format!("{}#/weight", folder.join(name).display()), None, None).unwrap()
}

fn weight(weight_percent: f64) -> Wanted {
    Wanted { weight_percent, mirror_percent: None }
}

#[test]
fn a_file_is_read_planned_and_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.json");
    std::fs::write(&path, "{\"weight\": 5}\n").unwrap();
    let target = json(folder.path(), "weights.json");
    let found = target.read().unwrap();
    assert_eq!(found.in_force.weight_percent, 5.0);
    assert_eq!(found.in_force.generation.as_deref(), Some(datasets::digest::of_bytes(b"{\"weight\": 5}\n").as_str()));
    assert_eq!(found.in_force.target, format!("json:{}#/weight", path.display()));

    let plan = target.plan(&found, weight(25.0)).unwrap();
    let shown = path.display();
    assert_eq!(plan.shown, format!("--- {shown}\n+++ {shown}\n@@ -1 +1 @@\n-{{\"weight\": 5}}\n+{{\"weight\": 25}}\n"));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"weight\": 5}\n", "a plan changes nothing");

    let after = target.apply(&plan).unwrap();
    assert_eq!((after.in_force.weight_percent, after.text.as_str()), (25.0, "{\"weight\": 25}\n"));
    assert_ne!(after.in_force.generation, found.in_force.generation);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside the file");

    let again = target.plan(&after, weight(25.0)).unwrap();
    assert_eq!((again.shown.as_str(), &again.text), ("", &after.text));
}

#[test]
fn what_somebody_else_wrote_meanwhile_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.json");
    std::fs::write(&path, "{\"weight\": 5}").unwrap();
    let target = json(folder.path(), "weights.json");
    let plan = target.plan(&target.read().unwrap(), weight(10.0)).unwrap();
    std::fs::write(&path, "{\"weight\": 5 }").unwrap();
    for result in [target.apply(&plan).map(drop), target.write_to(&plan, &folder.path().join("out.json"))] {
        assert!(matches!(result, Err(TargetError::Changed(ref says)) if says.contains("somebody else")), "{result:?}");
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"weight\": 5 }");
    assert!(!folder.path().join("out.json").exists());
}

#[test]
fn one_of_many_writers_wins() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("weights.json"), "{\"weight\": 5}").unwrap();
    let target = json(folder.path(), "weights.json");
    let found = target.read().unwrap();
    let outcomes: Vec<Result<Found, TargetError>> = std::thread::scope(|scope| {
        let writers: Vec<_> = (10..18)
            .map(|percent| {
                let plan = target.plan(&found, weight(f64::from(percent))).unwrap();
                let target = &target;
                scope.spawn(move || target.apply(&plan))
            })
            .collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    });
    let losers = outcomes.iter().filter(|outcome| matches!(outcome, Err(TargetError::Changed(_)))).count();
    assert_eq!(losers, outcomes.len() - 1, "{outcomes:?}");
}

#[test]
fn another_file_is_written_for_gitops_and_the_target_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.json");
    std::fs::write(&path, "{\"weight\": 5}").unwrap();
    let target = json(folder.path(), "weights.json");
    let plan = target.plan(&target.read().unwrap(), weight(10.0)).unwrap();
    target.write_to(&plan, &folder.path().join("out.json")).unwrap();
    assert_eq!(std::fs::read_to_string(folder.path().join("out.json")).unwrap(), "{\"weight\": 10}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"weight\": 5}");
    target.write_to(&plan, &path).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"weight\": 10}", "the same file is the target itself");
    let error = target.write_to(&plan, &folder.path().join("no/out.json")).unwrap_err().to_string();
    assert!(error.contains("somebody else"), "{error}");
    let plan = target.plan(&target.read().unwrap(), weight(20.0)).unwrap();
    let error = target.write_to(&plan, &folder.path().join("no/out.json")).unwrap_err().to_string();
    assert!(error.contains("create the folder"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link_and_permissions_stay() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    let (real, link) = (folder.path().join("real"), folder.path().join("weights.json"));
    std::fs::create_dir(&real).unwrap();
    std::fs::write(real.join("a.json"), "{\"weight\": 5}").unwrap();
    std::fs::set_permissions(real.join("a.json"), std::fs::Permissions::from_mode(0o640)).unwrap();
    symlink("real/a.json", &link).unwrap();
    let target = json(folder.path(), "weights.json");
    let inode = || std::os::unix::fs::MetadataExt::ino(&real.join("a.json").metadata().unwrap());
    let before = inode();
    target.apply(&target.plan(&target.read().unwrap(), weight(5.0)).unwrap()).unwrap();
    assert_eq!(inode(), before, "what stays as it is is not written");
    let plan = target.plan(&target.read().unwrap(), weight(10.0)).unwrap();
    target.apply(&plan).unwrap();
    assert_ne!(inode(), before);
    assert!(link.symlink_metadata().unwrap().is_symlink());
    assert_eq!(std::fs::read_to_string(real.join("a.json")).unwrap(), "{\"weight\": 10}");
    assert_eq!(real.join("a.json").metadata().unwrap().permissions().mode() & 0o7777, 0o640);
}

#[test]
fn what_cannot_be_read_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let says = |name: &str| json(folder.path(), name).read().unwrap_err().to_string();
    assert!(says("none.json").contains("check the path"), "{}", says("none.json"));
    std::fs::write(folder.path().join("latin.json"), b"{\"w\": \"\xe9\"}").unwrap();
    assert!(says("latin.json").contains("expected UTF-8; byte 7"), "{}", says("latin.json"));
    let long = std::fs::File::create(folder.path().join("long.json")).unwrap();
    long.set_len(5 << 20).unwrap();
    assert!(says("long.json").contains("longer than 4 MiB"), "{}", says("long.json"));
    let error = json(folder.path(), "latin.json");
    assert!(matches!(error.read(), Err(TargetError::Usage(_))));
}

#[test]
fn names_are_needed_where_there_are_back_ends() {
    let parse = |baseline, candidate| FileTarget::parse("haproxy", "a.map", baseline, candidate).map(drop);
    parse(Some("a"), Some("b")).unwrap();
    for (baseline, candidate, wanted) in [
        (None, Some("b"), "haproxy:a.map: which back end is which? name it with `--baseline NAME`"),
        (Some("a"), Some(""), "haproxy:a.map: which back end is which? name it with `--candidate NAME`"),
        (Some("a"), Some("a"), "haproxy:a.map: baseline and candidate are both `a`"),
    ] {
        let error = parse(baseline, candidate).unwrap_err().to_string();
        assert!(error.starts_with(wanted), "{error}");
    }
}

#[test]
fn less_is_rounded_down_and_a_raise_that_raises_nothing_is_refused() {
    let map = paper("haproxy:weights.map", ("a", "b"), "a 90\nb 10\n");
    let plan = map.plan(12.75, None).unwrap();
    assert_eq!((plan.wanted.weight_percent, plan.text.as_str()), (12.0, "a 88\nb 12\n"));
    assert!(
        plan.shown
            .starts_with("note: a weight of 12.75% is finer than 100 parts can say and is rounded down to 12 of them"),
        "{}",
        plan.shown
    );
    let error = map.plan(10.5, None).unwrap_err();
    assert!(error.ends_with("so nothing would rise") && error.starts_with("weights.map: a weight of 10.5%"), "{error}");
    // A fall always goes through.
    assert_eq!(map.plan(0.5, None).unwrap().text, "a 100\nb 0\n");
    for bad in [-1.0, 100.5, f64::NAN, 1.005] {
        map.plan(bad, None).unwrap_err();
    }
    assert!(map.plan(1.0, Some(1.0)).unwrap_err().contains("mirrors nothing"));
}
