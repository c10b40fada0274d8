//! What was read and left out, for people. Nothing here changes the verdict; what should, stands in its instrument.

use crate::extract::PairCounts;
use crate::load::LoadCounts;

/// What was read and left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows that were judged or could have been.
    pub exchanges: u64,
    /// At loading.
    pub load: LoadCounts,
    /// In single metrics.
    pub pairs: PairCounts,
    /// Answers of the examples that were asked for and are not on record.
    pub answers_missing: u64,
}

impl Counts {
    /// One sentence for everything that was left out; empty if nothing was.
    #[must_use]
    pub fn remarks(&self) -> Vec<String> {
        let load = &self.load;
        let assigned = self.pairs.not_drawn.iter().map(|(assigned_by, count)| {
            (*count, format!("served requests that {assigned_by} sent to their arm, not the weight; they say nothing about the split"))
        });
        let refused = load.reasons.iter().map(|(reason, count)| (*count, format!("refused as impossible: {reason}")));
        let plain = [
            (load.broken, "lines could not be read and were skipped"),
            (load.observed, "seen from the client's side; the gateway's own records carry the evidence"),
            (load.other_migration, "of other migrations"),
            (load.earlier_epochs, "of epochs before the one that evidence begins with"),
            (load.cut_off, "last lines without a line end, still being written, were skipped"),
            (
                load.unnamed_parts,
                "closed parts of a named file lie beside it and were not read; name the folder to read them",
            ),
            (load.sent_before_arrival, "were sent before they arrived; was a clock set meanwhile?"),
            (load.empty_files, "empty files in folders were passed over"),
            (load.fallbacks, "answers of the baseline in place of a failed candidate; they count as money only"),
            (load.repeats, "answers of the baseline that was asked once more; they count as money only"),
            (load.duplicates, "repeat an exchange on record; the one sent first counts"),
            (
                self.pairs.outdated_served,
                "served requests were answered at prices that have changed since; their cost is not compared",
            ),
            (
                self.answers_missing,
                "answers of the examples are not on record; only records of redaction `full` keep them",
            ),
            (self.pairs.without_first_token, "streamed pairs without a first token on one side, not timed to it"),
        ];
        let mut remarks: Vec<String> = plain
            .into_iter()
            .map(|(count, what)| (count, what.to_owned()))
            .chain(assigned)
            .chain(refused)
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        for (metric, found) in &self.pairs.labels {
            let missing = found.neither + found.baseline_only + found.candidate_only;
            if missing > 0 {
                remarks.push(format!("label {metric}: {} pairs labelled, {missing} not or only by half", found.pairs));
            }
        }
        remarks
    }
}
