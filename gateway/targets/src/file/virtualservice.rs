//! Istio's VirtualService: `spec.http[].route[].weight`, `mirrorPercentage.value` and `mirrors[].percentage.value`.
//!
//! A destination without a weight beside others gets nothing. A mirror without a percentage copies everything. The older whole
//! number `mirrorPercent` is read, but not changed: where both stand, readers take the newer one.

use super::address::Object;
use super::change::{Asked, Change, State};
use super::edit::Edit;
use super::fault::Fault;
use super::object;
use super::rule::{Arms, Rule, Writing};
use super::split;
use super::tree::{Id, New, Tree};

const WRITING: Writing = Writing { list: "route", unsaid: 0, most: i32::MAX as u64, names };

/// A destination's host, host and port, subset, and host and subset.
fn names(tree: &Tree, entry: Id) -> Vec<String> {
    tree.get(entry, "destination").map_or_else(Vec::new, |destination| destination_names(tree, destination))
}

fn destination_names(tree: &Tree, destination: Id) -> Vec<String> {
    let Some(host) = tree.text_of(destination, "host") else { return Vec::new() };
    let mut names = vec![host.to_owned()];
    let port = tree.get(destination, "port").and_then(|port| tree.text_of(port, "number"));
    names.extend(port.map(|port| format!("{host}:{port}")));
    if let Some(subset) = tree.text_of(destination, "subset") {
        names.insert(0, format!("{host}/{subset}"));
        names.push(subset.to_owned());
    }
    names
}

fn rule(tree: &Tree, text: &str, wanted: &Object, arms: &Arms) -> Result<Rule, Fault> {
    let service = object::only(tree, text, "VirtualService", "networking.istio.io", wanted)?;
    let says = || Fault::at(tree.offset(service), "expected `spec.http` in this VirtualService");
    let spec = tree.member(service, "spec")?.ok_or_else(says)?;
    WRITING.rule(tree, text, tree.items(spec, "http")?, wanted, arms)
}

pub(super) fn look(text: &str, wanted: &Object, arms: &Arms) -> Result<State, Fault> {
    let tree = Tree::read(text)?;
    let rule = rule(&tree, text, wanted, arms)?;
    let mirror = mirror(&tree, &rule, arms)?.map(|mirror| mirror.share(&tree)).transpose()?;
    Ok(State { weight: rule.share(&tree)?, mirror })
}

pub(super) fn change(text: &str, wanted: &Object, arms: &Arms, asked: Asked) -> Result<Change, Fault> {
    let tree = Tree::read(text)?;
    let rule = rule(&tree, text, wanted, arms)?;
    let mut edits = rule.set(&tree, asked.weight, WRITING.most)?;
    if let Some(share) = asked.mirror {
        let mirror = mirror(&tree, &rule, arms)?.ok_or_else(|| {
            let says = format!(
                "this rule has no `mirror` to `{}`; add one by hand, with `mirrorPercentage: {{value: 0}}`",
                arms.candidate
            );
            Fault::at(tree.offset(rule.id), says)
        })?;
        edits.extend(mirror.set(&tree, share)?);
    }
    Ok(Change { edits, notes: Vec::new() })
}

/// Where a mirror's percentage stands: the mapping that holds it, and its key there.
struct Mirror {
    holder: Id,
    key: &'static str,
    /// The older whole number, where only that is said.
    old: Option<Id>,
}

fn mirror(tree: &Tree, rule: &Rule, arms: &Arms) -> Result<Option<Mirror>, Fault> {
    let is_candidate = |destination: Id| destination_names(tree, destination).contains(&arms.candidate);
    let mut found = Vec::new();
    if let Some(destination) = tree.member(rule.id, "mirror")?
        && is_candidate(destination)
    {
        let newer = tree.member(rule.id, "mirrorPercentage")?;
        let older = match tree.member(rule.id, "mirrorPercent")? {
            Some(older) => Some(older),
            None => tree.member(rule.id, "mirror_percent")?,
        };
        found.push(Mirror { holder: rule.id, key: "mirrorPercentage", old: older.filter(|_| newer.is_none()) });
    }
    for entry in tree.items(rule.id, "mirrors")? {
        if tree.get(*entry, "destination").is_some_and(is_candidate) {
            found.push(Mirror { holder: *entry, key: "percentage", old: None });
        }
    }
    match found.get(1) {
        Some(second) => {
            Err(Fault::at(tree.offset(second.holder), "a second mirror to the candidate in one rule; remove one"))
        }
        None => Ok(found.pop()),
    }
}

impl Mirror {
    fn share(&self, tree: &Tree) -> Result<u32, Fault> {
        if let Some(old) = self.old {
            return Ok(u32::try_from(tree.whole_number(old, 100)?).unwrap_or(100) * 100);
        }
        match tree.member(self.holder, self.key)? {
            None => Ok(split::WHOLE),
            // A number that is not said is 0 there.
            Some(percentage) => tree.member(percentage, "value")?.map_or(Ok(0), |value| tree.percentage(value)),
        }
    }

    fn set(&self, tree: &Tree, share: u32) -> Result<Vec<Edit>, Fault> {
        if self.share(tree)? == share {
            return Ok(Vec::new());
        }
        if let Some(old) = self.old {
            let says = format!(
                "`mirrorPercent` is out of date; write `mirrorPercentage: {{value: {}}}` in its place by hand",
                split::written(self.share(tree)?)
            );
            return Err(Fault::at(tree.offset(old), says));
        }
        let number = split::written(share);
        let edit = match tree.member(self.holder, self.key)? {
            None => tree.insert(self.holder, self.key, &New::Numbers(&[("value", number)]))?,
            Some(percentage) => match tree.member(percentage, "value")? {
                Some(value) => tree.replace(value, &number)?,
                None => tree.insert(percentage, "value", &New::Number(number))?,
            },
        };
        Ok(vec![edit])
    }
}

#[cfg(test)]
pub(super) mod tests;
