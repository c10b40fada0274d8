//! A routing rule with both arms in it: what HTTPRoute and VirtualService have in common.

use super::address::Object;
use super::edit::Edit;
use super::fault::{Fault, line_and_column};
use super::split;
use super::tree::{Id, New, Tree};

/// Which back end is which arm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Arms {
    pub(super) baseline: String,
    pub(super) candidate: String,
}

/// How a kind writes its rules.
pub(super) struct Writing {
    /// Key of the rules' back ends.
    pub(super) list: &'static str,
    /// Weight of a back end that says none.
    pub(super) unsaid: u64,
    /// Largest weight.
    pub(super) most: u64,
    /// All names that a back end may be called by.
    pub(super) names: fn(&Tree, Id) -> Vec<String>,
}

/// The rule that is meant.
pub(super) struct Rule {
    pub(super) id: Id,
    pub(super) entries: Vec<Id>,
    /// Weight and where it stands; `None` where it is not said.
    pub(super) weights: Vec<(u64, Option<Id>)>,
    pub(super) baseline: usize,
    pub(super) candidate: usize,
}

impl Writing {
    /// The only rule that holds both arms, or the one the address names.
    ///
    /// # Errors
    /// None does, several do, or a name fits two back ends of one rule.
    pub(super) fn rule(
        &self,
        tree: &Tree,
        text: &str,
        rules: &[Id],
        object: &Object,
        arms: &Arms,
    ) -> Result<Rule, Fault> {
        let mut found = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            if object.rule.is_none_or(|wanted| wanted == index)
                && let Some(rule) = self.with_both(tree, *rule, arms)?
            {
                found.push((index, rule));
            }
        }
        if found.len() == 1
            && let Some((_, rule)) = found.pop()
        {
            return Ok(rule);
        }
        let Arms { baseline, candidate } = arms;
        let listed = |indexes: &[usize]| -> String {
            let line = |index: &usize| rules.get(*index).map_or(0, |id| line_and_column(text, tree.offset(*id)).0);
            indexes.iter().map(|index| format!("{index} (line {})", line(index))).collect::<Vec<_>>().join(", ")
        };
        let indexes: Vec<usize> = found.iter().map(|(index, _)| *index).collect();
        Err(match (found.as_slice(), object.rule) {
            ([], Some(rule)) => Fault::whole(format!(
                "rule {rule} does not hold both `{baseline}` and `{candidate}`; {}",
                self.called(tree, rules)
            )),
            ([], None) => Fault::whole(format!(
                "no rule holds both `{baseline}` and `{candidate}`; {}; add the missing one with weight 0",
                self.called(tree, rules)
            )),
            _ => Fault::whole(format!(
                "`{baseline}` and `{candidate}` are both in the rules {}; name one behind `#`, as NAMESPACE/NAME/RULE",
                listed(&indexes)
            )),
        })
    }

    fn called(&self, tree: &Tree, rules: &[Id]) -> String {
        let mut names = Vec::new();
        for rule in rules {
            for entry in tree.items(*rule, self.list).unwrap_or_default() {
                names.extend((self.names)(tree, *entry).into_iter().next());
            }
        }
        names.dedup();
        names.truncate(10);
        if names.is_empty() {
            "it has no back ends".to_owned()
        } else {
            format!("its back ends are {}", names.join(", "))
        }
    }

    fn with_both(&self, tree: &Tree, rule: Id, arms: &Arms) -> Result<Option<Rule>, Fault> {
        let entries = tree.items(rule, self.list)?.to_vec();
        let place = |wanted: &str| -> Result<Option<usize>, Fault> {
            let mut fitting = entries
                .iter()
                .enumerate()
                .filter(|(_, entry)| (self.names)(tree, **entry).iter().any(|name| name == wanted));
            let first = fitting.next();
            if let Some((_, twice)) = fitting.next() {
                let names = (self.names)(tree, *twice).join("`, `");
                let says = format!(
                    "`{wanted}` fits two back ends of this rule; name it so that only one fits, such as `{names}`"
                );
                return Err(Fault::at(tree.offset(*twice), says));
            }
            Ok(first.map(|(index, _)| index))
        };
        let (Some(baseline), Some(candidate)) = (place(&arms.baseline)?, place(&arms.candidate)?) else {
            return Ok(None);
        };
        if baseline == candidate {
            return Err(Fault::whole("baseline and candidate are the same back end; name two"));
        }
        let weight = |entry: &Id| match tree.member(*entry, "weight")? {
            Some(id) => tree.whole_number(id, self.most).map(|weight| (weight, Some(id))),
            None => Ok((self.unsaid, None)),
        };
        let weights: Result<Vec<_>, Fault> = entries.iter().map(weight).collect();
        Ok(Some(Rule { id: rule, weights: weights?, entries, baseline, candidate }))
    }
}

impl Rule {
    /// The candidate's share of both arms, in hundredths of a percent.
    ///
    /// # Errors
    /// Both weigh nothing.
    pub(super) fn share(&self, tree: &Tree) -> Result<u32, Fault> {
        let weight = |index: usize| self.weights.get(index).map_or(0, |(weight, _)| *weight);
        let pair = weight(self.baseline).saturating_add(weight(self.candidate));
        split::share(weight(self.candidate), pair).ok_or_else(|| {
            let says = "baseline and candidate both weigh 0, and who gets what then is not defined; give the baseline its weight by hand";
            Fault::at(tree.offset(self.id), says)
        })
    }

    /// Edits that make the candidate's share what is wanted.
    ///
    /// # Errors
    /// The weights cannot say it, or stand where they cannot be changed.
    pub(super) fn set(&self, tree: &Tree, wanted: u32, most: u64) -> Result<Vec<Edit>, Fault> {
        let old: Vec<u64> = self.weights.iter().map(|(weight, _)| *weight).collect();
        let new = split::weights(&old, self.baseline, self.candidate, wanted, most)?;
        let changed = self.entries.iter().zip(&self.weights).zip(new).filter(|((_, (old, _)), new)| old != new);
        changed
            .map(|((entry, (_, place)), new)| match place {
                Some(place) => tree.replace(*place, &new.to_string()),
                None => tree.insert(*entry, "weight", &New::Number(new.to_string())),
            })
            .collect()
    }
}
