//! What pipelines were told last, so that only what changes is noted.

use crate::admin::audit::{AuditEntry, Note, What, Who};
use crate::state::Shared;
use gate::answer::flagger::Hook;
use gate::answer::{Answer, Says, Standing};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Who asks. Not by whose name: names are the caller's to choose, and there would be no bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Asker {
    Argo,
    Kayenta,
    Flagger(Hook),
}

impl Asker {
    fn name(self) -> String {
        match self {
            Self::Argo => "argo".to_owned(),
            Self::Kayenta => "kayenta".to_owned(),
            Self::Flagger(hook) => format!("flagger {}", hook.name()),
        }
    }
}

/// Ten askers a migration at most.
#[derive(Debug, Default)]
pub(crate) struct Pipelines(Mutex<BTreeMap<(String, Asker), Option<Says>>>);

impl Pipelines {
    /// Takes what is told now; returns what was told before, if it is something else. The first answer is one.
    fn change(
        &self,
        migration: &str,
        asker: Asker,
        says: Option<Says>,
        is_known: impl Fn(&str) -> bool,
    ) -> Option<Was> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match all.insert((migration.to_owned(), asker), says) {
            Some(before) if before == says => None,
            Some(before) => Some(Was(Some(word(before)))),
            None => {
                // Only here can there be more: what is kept of migrations that are gone is forgotten.
                all.retain(|(name, _), _| is_known(name));
                Some(Was(None))
            }
        }
    }
}

/// What was told before.
#[derive(Debug, PartialEq, Eq)]
struct Was(Option<&'static str>);

fn word(says: Option<Says>) -> &'static str {
    says.map_or("no verdict", Says::word)
}

impl Shared {
    /// Notes in the trail what a pipeline is told, if it was told something else before.
    pub(super) fn note_told(
        &self,
        migration: &str,
        asker: Asker,
        standing: &Standing,
        answer: Option<&Answer>,
        now_us: i64,
    ) {
        let plane = self.plane.load();
        let says = answer.map(|answer| answer.says);
        let Some(Was(before)) = self.pipelines.change(migration, asker, says, |name| plane.lane(name).is_some()) else {
            return;
        };
        let before = before.map_or(String::new(), |before| format!(" instead of {before}"));
        let why = answer.map_or(String::new(), |answer| format!(": {}", answer.why.join("; ")));
        let reason = format!("{} is told {}{before}{why}", asker.name(), word(says));
        let note = Note { what: What::Answer, who: Who::Pipeline, reason: &reason };
        let weights = (standing.weight_percent, standing.weight_percent);
        self.audit.note(AuditEntry::new(migration, weights, standing.epoch, note, now_us));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changes_is_something_new() {
        let pipelines = Pipelines::default();
        let change = |asker, says| pipelines.change("move", asker, says, |name| name == "move");
        assert_eq!(change(Asker::Argo, None), Some(Was(None)));
        assert_eq!(change(Asker::Argo, None), None);
        assert_eq!(change(Asker::Argo, Some(Says::Go)), Some(Was(Some("no verdict"))));
        assert_eq!(change(Asker::Flagger(Hook::Rollback), Some(Says::Go)), Some(Was(None)), "each asker for itself");
        assert_eq!(change(Asker::Argo, Some(Says::Stop)), Some(Was(Some("go"))));
        assert_eq!(change(Asker::Argo, Some(Says::Stop)), None);
    }

    #[test]
    fn migrations_that_are_gone_are_forgotten() {
        let pipelines = Pipelines::default();
        for number in 0..100 {
            let name = format!("move-{number}");
            pipelines.change(&name, Asker::Argo, None, |known| known == name);
        }
        assert_eq!(pipelines.0.lock().unwrap().len(), 1);
    }
}
