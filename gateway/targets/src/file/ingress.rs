//! Canary annotations of ingress-nginx and Higress.
//!
//! The weight stands in the candidate's own Ingress, beside `canary: "true"`; the share of a mirror in the Ingress that is
//! copied from (Higress alone has one). Both prefixes are read, as Higress does, and one annotation under both is refused.
//! A weight is a whole number of `canary-weight-total` (100): what is finer is rounded down.
//!
//! Two traps are refused. Higress looks at `canary-weight` only where no canary header or cookie is set. And two canaries
//! for one host leave neither of them a stable route.

use super::address::Object;
use super::change::{Asked, Change, State, rounded_down};
use super::fault::Fault;
use super::object;
use super::rule::Arms;
use super::split;
use super::tree::{Form, Id, New, Style, Tree, whole};

const PREFIXES: [&str; 2] = ["nginx.ingress.kubernetes.io/", "higress.io/"];

/// Largest sum of weights that is read.
const TOTAL_MAX: u64 = 1_000_000_000;

/// Annotations of the candidate's Ingress.
struct Canary {
    annotations: Id,
    prefix: &'static str,
    /// Weight, and where it stands; 0 where it is not said.
    weight: (u64, Option<Id>),
    total: u64,
}

pub(super) fn look(text: &str, wanted: &Object, arms: &Arms) -> Result<State, Fault> {
    let tree = Tree::read(text)?;
    let canary = canary(&tree, text, wanted, arms)?;
    let weight = split::share(canary.weight.0, canary.total).unwrap_or_default();
    let mirror = mirror(&tree, wanted, arms)?.map(|(.., share)| share * 100);
    Ok(State { weight, mirror })
}

pub(super) fn change(text: &str, wanted: &Object, arms: &Arms, asked: Asked) -> Result<Change, Fault> {
    let tree = Tree::read(text)?;
    let canary = canary(&tree, text, wanted, arms)?;
    let mut change = Change::default();
    let finer = "`canary-weight-total: \"10000\"`, with the weight scaled to it, says every hundredth";
    let (weight, note) = rounded_down(asked.weight, canary.total, "a weight", finer);
    change.notes.extend(note);
    if weight != canary.weight.0 {
        change.edits.push(match canary.weight.1 {
            Some(place) => tree.replace(place, &weight.to_string())?,
            None => {
                let key = format!("{}canary-weight", canary.prefix);
                tree.insert(canary.annotations, &key, &New::Text(weight.to_string()))?
            }
        });
    }
    if let Some(share) = asked.mirror {
        let (annotations, prefix, place, old) = mirror(&tree, wanted, arms)?.ok_or_else(|| {
            let says = format!("no Ingress here mirrors to `{}`: expected `higress.io/mirror-target-service` in the one that is copied from", arms.candidate);
            Fault::whole(says)
        })?;
        let (percent, note) = rounded_down(share, 100, "a mirrored share", "Higress knows whole percents only");
        change.notes.extend(note);
        if percent != u64::from(old) {
            change.edits.push(match place {
                Some(place) => tree.replace(place, &percent.to_string())?,
                None => {
                    tree.insert(annotations, &format!("{prefix}mirror-percentage"), &New::Text(percent.to_string()))?
                }
            });
        }
    }
    Ok(change)
}

/// An annotation under either prefix.
fn annotation(tree: &Tree, annotations: Id, key: &str) -> Result<Option<(&'static str, Id)>, Fault> {
    let mut found = None;
    for prefix in PREFIXES {
        if let Some(id) = tree.member(annotations, &format!("{prefix}{key}"))? {
            if found.is_some() {
                return Err(Fault::at(tree.offset(id), format!("`{key}` stands under both prefixes; remove one")));
            }
            found = Some((prefix, id));
        }
    }
    Ok(found)
}

/// A whole number in quotes, as annotations have to be.
fn quoted(tree: &Tree, id: Id, most: u64) -> Result<u64, Fault> {
    let number = match tree.form(id) {
        Form::Scalar { value, style: Style::Single | Style::Double } => whole(value).filter(|number| *number <= most),
        _ => None,
    };
    number.ok_or_else(|| {
        Fault::at(tree.offset(id), format!("expected a whole number from 0 to {most} in quotes, such as \"5\""))
    })
}

fn is_canary(tree: &Tree, annotations: Id) -> Result<bool, Fault> {
    Ok(annotation(tree, annotations, "canary")?.is_some_and(|(_, id)| {
        matches!(tree.form(id), Form::Scalar { value, style: Style::Single | Style::Double } if value == "true")
    }))
}

/// Names that an Ingress may be meant by: its own, and those of the services it leads to.
fn names(tree: &Tree, ingress: Id) -> Vec<String> {
    let mut names = vec![object::name(tree, ingress)];
    names.extend(tree.get(ingress, "metadata").and_then(|metadata| tree.text_of(metadata, "name")).map(str::to_owned));
    let list = |id: Id, key: &str| tree.items(id, key).unwrap_or_default().to_vec();
    let Some(spec) = tree.get(ingress, "spec") else { return names };
    let mut backends: Vec<Id> = tree.get(spec, "defaultBackend").into_iter().collect();
    for rule in list(spec, "rules") {
        let paths = tree.get(rule, "http").map_or_else(Vec::new, |http| list(http, "paths"));
        backends.extend(paths.iter().filter_map(|path| tree.get(*path, "backend")));
    }
    let service = |backend: &Id| tree.get(*backend, "service").and_then(|service| tree.text_of(service, "name"));
    names.extend(backends.iter().filter_map(service).map(str::to_owned));
    names
}

fn annotations_of(tree: &Tree, ingress: Id) -> Result<Option<Id>, Fault> {
    match tree.member(ingress, "metadata")? {
        Some(metadata) => tree.member(metadata, "annotations"),
        None => Ok(None),
    }
}

fn canary(tree: &Tree, text: &str, wanted: &Object, arms: &Arms) -> Result<Canary, Fault> {
    let mut found = Vec::new();
    for ingress in object::all(tree, "Ingress", "networking.k8s.io", wanted)? {
        if names(tree, ingress).contains(&arms.candidate) {
            found.push(ingress);
        }
    }
    let ingress = match found.as_slice() {
        [one] => *one,
        [] => {
            let says = format!("no Ingress is called `{0}` or leads to a service `{0}`", arms.candidate);
            return Err(Fault::whole(says));
        }
        several => {
            let list: Vec<String> = several.iter().map(|id| object::name(tree, *id)).collect();
            let says = format!(
                "`{}` fits several Ingresses: {}; name one behind `#`, as NAMESPACE/NAME",
                arms.candidate,
                list.join(", ")
            );
            return Err(Fault::whole(says));
        }
    };
    let no_canary =
        |at| Fault::at(at, "expected the annotation `canary: \"true\"` in the candidate's Ingress, in quotes");
    let annotations = annotations_of(tree, ingress)?.ok_or_else(|| no_canary(tree.offset(ingress)))?;
    let (prefix, _) = annotation(tree, annotations, "canary")?.ok_or_else(|| no_canary(tree.offset(annotations)))?;
    if !is_canary(tree, annotations)? {
        return Err(no_canary(tree.offset(annotations)));
    }
    only_canary(tree, text, ingress, arms)?;
    weight_counts(tree, ingress, annotations)?;
    let total = match annotation(tree, annotations, "canary-weight-total")? {
        Some((_, id)) => quoted(tree, id, TOTAL_MAX)?,
        None => 100,
    };
    if total == 0 {
        return Err(Fault::at(tree.offset(annotations), "expected a `canary-weight-total` of 1 or more"));
    }
    let weight = match annotation(tree, annotations, "canary-weight")? {
        Some((_, id)) => (quoted(tree, id, total)?, Some(id)),
        None => (0, None),
    };
    Ok(Canary { annotations, prefix, weight, total })
}

/// The baseline's Ingress, where it is in the file, must be no canary.
fn only_canary(tree: &Tree, text: &str, candidate: Id, arms: &Arms) -> Result<(), Fault> {
    for other in object::all(tree, "Ingress", "networking.k8s.io", &Object::default())? {
        if other != candidate
            && names(tree, other).contains(&arms.baseline)
            && let Some(annotations) = annotations_of(tree, other)?
            && is_canary(tree, annotations)?
        {
            let line = super::fault::line_and_column(text, tree.offset(candidate)).0;
            let says = format!(
                "the baseline's Ingress is a canary too (the candidate's is in line {line}), and then neither gets traffic; remove its `canary`"
            );
            return Err(Fault::at(tree.offset(annotations), says));
        }
    }
    Ok(())
}

/// Refuses a weight that Higress would not look at.
fn weight_counts(tree: &Tree, ingress: Id, annotations: Id) -> Result<(), Fault> {
    let class = tree.get(ingress, "spec").and_then(|spec| tree.text_of(spec, "ingressClassName"));
    let old_class = tree.text_of(annotations, "kubernetes.io/ingress.class");
    for key in ["canary-by-header", "canary-by-cookie"] {
        if let Some((prefix, id)) = annotation(tree, annotations, key)?
            && (prefix == "higress.io/" || [class, old_class].contains(&Some("higress")))
        {
            let says = format!("`{key}` is set, and then Higress does not look at `canary-weight`; remove one of them");
            return Err(Fault::at(tree.offset(id), says));
        }
    }
    Ok(())
}

/// Annotations, prefix, place and whole percents of the mirror to the candidate.
type MirrorPlace = (Id, &'static str, Option<Id>, u32);

fn mirror(tree: &Tree, wanted: &Object, arms: &Arms) -> Result<Option<MirrorPlace>, Fault> {
    // It stands in the Ingress that is copied from, which is another than the one the address may name.
    let everywhere = Object { namespace: wanted.namespace.clone(), ..Object::default() };
    let mut found = Vec::new();
    for ingress in object::all(tree, "Ingress", "networking.k8s.io", &everywhere)? {
        let Some(annotations) = annotations_of(tree, ingress)? else { continue };
        let Some((prefix, target)) = annotation(tree, annotations, "mirror-target-service")? else { continue };
        // NAMESPACE/NAME:PORT, of which only the name has to be there.
        let service = tree.scalar(target).unwrap_or_default();
        let with_port = service.split('/').next_back().unwrap_or_default();
        let name = with_port.split(':').next().unwrap_or_default();
        if ![service, with_port, name].contains(&arms.candidate.as_str()) {
            continue;
        }
        let place = annotation(tree, annotations, "mirror-percentage")?;
        let percent = place.map_or(Ok(100), |(_, id)| quoted(tree, id, 100))?;
        found.push((annotations, prefix, place.map(|(_, id)| id), u32::try_from(percent).unwrap_or(100)));
    }
    match found.get(1) {
        Some((annotations, ..)) => Err(Fault::at(
            tree.offset(*annotations),
            "a second Ingress mirrors to the candidate; remove one of the mirrors",
        )),
        None => Ok(found.pop()),
    }
}

#[cfg(test)]
pub(super) mod tests;
