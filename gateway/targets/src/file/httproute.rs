//! HTTPRoute of the Kubernetes Gateway API: `spec.rules[].backendRefs[].weight`, and the share of a `RequestMirror`.
//!
//! A weight that is not said is 1. Weights are shares of their sum, each at most 1,000,000. A mirror says whole percents, or a
//! fraction; without either it copies everything.

use super::address::Object;
use super::change::{Asked, Change, State, rounded_down};
use super::edit::Edit;
use super::fault::Fault;
use super::object;
use super::rule::{Arms, Rule, Writing};
use super::split;
use super::tree::{Id, New, Tree};

const WRITING: Writing = Writing { list: "backendRefs", unsaid: 1, most: 1_000_000, names };

/// Name, name and port, each also with the namespace where one is said.
fn names(tree: &Tree, reference: Id) -> Vec<String> {
    let Some(name) = tree.text_of(reference, "name") else { return Vec::new() };
    let mut names = vec![name.to_owned()];
    names.extend(tree.text_of(reference, "port").map(|port| format!("{name}:{port}")));
    if let Some(namespace) = tree.text_of(reference, "namespace") {
        let with_namespace: Vec<String> = names.iter().map(|name| format!("{namespace}/{name}")).collect();
        names.extend(with_namespace);
    }
    names
}

fn rule(tree: &Tree, text: &str, wanted: &Object, arms: &Arms) -> Result<Rule, Fault> {
    let route = object::only(tree, text, "HTTPRoute", "gateway.networking.k8s.io", wanted)?;
    let says = || Fault::at(tree.offset(route), "expected `spec.rules` in this HTTPRoute");
    let spec = tree.member(route, "spec")?.ok_or_else(says)?;
    WRITING.rule(tree, text, tree.items(spec, "rules")?, wanted, arms)
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
    let mut change = Change { edits: rule.set(&tree, asked.weight, WRITING.most)?, notes: Vec::new() };
    if let Some(share) = asked.mirror {
        let mirror = mirror(&tree, &rule, arms)?.ok_or_else(|| {
            let says = format!(
                "this rule has no filter `RequestMirror` with a back end `{}`; add one by hand, with `percent: 0`",
                arms.candidate
            );
            Fault::at(tree.offset(rule.id), says)
        })?;
        let (edits, note) = mirror.set(&tree, share)?;
        change.edits.extend(edits);
        change.notes.extend(note);
    }
    Ok(change)
}

/// The mirror to the candidate: its mapping, and how it says its share.
struct Mirror {
    id: Id,
    says: Says,
}

enum Says {
    Everything,
    Percent(Id),
    Fraction { numerator: Id, denominator: u64 },
}

/// The mirror of the rule or of the baseline's back end whose copies go to the candidate.
fn mirror(tree: &Tree, rule: &Rule, arms: &Arms) -> Result<Option<Mirror>, Fault> {
    let mut filters = tree.items(rule.id, "filters")?.to_vec();
    if let Some(baseline) = rule.entries.get(rule.baseline) {
        filters.extend(tree.items(*baseline, "filters")?);
    }
    let mut found = Vec::new();
    for filter in filters {
        if tree.text_of(filter, "type") == Some("RequestMirror")
            && let Some(mirror) = tree.member(filter, "requestMirror")?
            && let Some(reference) = tree.get(mirror, "backendRef")
            && names(tree, reference).contains(&arms.candidate)
        {
            found.push(mirror);
        }
    }
    match found.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(Mirror { id: *one, says: says(tree, *one)? })),
        [_, second, ..] => {
            Err(Fault::at(tree.offset(*second), "a second mirror to the candidate in one rule; remove one"))
        }
    }
}

fn says(tree: &Tree, mirror: Id) -> Result<Says, Fault> {
    match (tree.member(mirror, "percent")?, tree.member(mirror, "fraction")?) {
        (None, None) => Ok(Says::Everything),
        (Some(percent), None) => Ok(Says::Percent(percent)),
        (None, Some(fraction)) => {
            let missing = || Fault::at(tree.offset(fraction), "expected `numerator` in the fraction");
            let numerator = tree.member(fraction, "numerator")?.ok_or_else(missing)?;
            let denominator = match tree.member(fraction, "denominator")? {
                Some(id) => tree.whole_number(id, u64::from(u32::MAX >> 1))?,
                None => 100,
            };
            if denominator == 0 {
                return Err(Fault::at(tree.offset(fraction), "expected a `denominator` of 1 or more"));
            }
            Ok(Says::Fraction { numerator, denominator })
        }
        (Some(percent), Some(_)) => Err(Fault::at(tree.offset(percent), "expected `percent` or `fraction`, not both")),
    }
}

impl Mirror {
    fn share(&self, tree: &Tree) -> Result<u32, Fault> {
        match &self.says {
            Says::Everything => Ok(split::WHOLE),
            Says::Percent(id) => Ok(u32::try_from(tree.whole_number(*id, 100)?).unwrap_or(100) * 100),
            Says::Fraction { numerator, denominator } => {
                let part = tree.whole_number(*numerator, *denominator)?;
                Ok(split::share(part, *denominator).unwrap_or(split::WHOLE))
            }
        }
    }

    fn set(&self, tree: &Tree, share: u32) -> Result<(Vec<Edit>, Option<String>), Fault> {
        let (place, old, whole) = match &self.says {
            Says::Everything if share == split::WHOLE => return Ok((vec![], None)),
            Says::Everything if share.is_multiple_of(100) => {
                return Ok((vec![tree.insert(self.id, "percent", &New::Number((share / 100).to_string()))?], None));
            }
            Says::Everything => {
                let fraction = [("numerator", share.to_string()), ("denominator", split::WHOLE.to_string())];
                return Ok((vec![tree.insert(self.id, "fraction", &New::Numbers(&fraction))?], None));
            }
            Says::Percent(id) => (*id, tree.whole_number(*id, 100)?, 100),
            Says::Fraction { numerator, denominator } => {
                (*numerator, tree.whole_number(*numerator, *denominator)?, *denominator)
            }
        };
        let (part, note) =
            rounded_down(share, whole, "a mirrored share", "a fraction with a larger denominator says more");
        let edits = if part == old { vec![] } else { vec![tree.replace(place, &part.to_string())?] };
        Ok((edits, note))
    }
}

#[cfg(test)]
pub(super) mod tests;
