//! Weights in files: manifests for GitOps, configurations of proxies, plain JSON.
//!
//! A file is other people's text. Only the bytes of the numbers change; comments, quotes, indentation and line ends stay, and
//! a number that is missing is put in the way its neighbours are written. What cannot be changed so is refused with its line
//! and what to do: a text that is guessed at is worse than one that is edited by hand.
//!
//! Each kind has two pure functions of the text, `look` and `change`. A [plan](FileTarget::plan) makes the change on paper
//! and then looks at it: what does not read back as what was asked never leaves the house.
//!
//! **Never more traffic than was proven.** A share finer than a place can say is rounded down, and said. Down, because the
//! evidence is about the smaller one too; and not refused, because a rollback has to work wherever the last safe rung lies.
//! Only a raise that would raise nothing is refused: whoever asked would wait for ever.

pub(crate) mod address;
mod change;
mod edit;
pub(crate) mod fault;
mod haproxy;
mod httproute;
mod ingress;
mod nginx;
mod object;
mod pointer;
mod rule;
pub(crate) mod split;
mod store;
pub(crate) mod tree;
mod virtualservice;

use crate::{Found, Plan, TargetError, Wanted, diff};
use address::Place;
use change::{Asked, Change, State};
use fault::Fault;
use gate::InForce;
use rule::Arms;
use std::path::{Path, PathBuf};

/// A weight in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileTarget {
    /// As people write it.
    address: String,
    path: PathBuf,
    place: Place,
    arms: Arms,
}

impl FileTarget {
    /// Understands an address: `kind` is what stands before its first colon, `place` what stands behind. The names say
    /// which back end is which arm; a plain number (`json`) needs none.
    ///
    /// # Errors
    /// The address has another form, or a name is missing.
    pub fn parse(
        kind: &str,
        place: &str,
        baseline: Option<&str>,
        candidate: Option<&str>,
    ) -> Result<Self, TargetError> {
        let address = format!("{kind}:{place}");
        let (path, place) = address::parse(kind, place)?;
        let name = |name: Option<&str>, option: &str| match (name, &place) {
            (Some(name), _) if !name.is_empty() => Ok(name.to_owned()),
            (_, Place::Json(_)) => Ok(String::new()),
            _ => Err(TargetError::Usage(format!("{address}: which back end is which? name it with `{option} NAME`"))),
        };
        let arms = Arms { baseline: name(baseline, "--baseline")?, candidate: name(candidate, "--candidate")? };
        if arms.baseline == arms.candidate && !arms.baseline.is_empty() {
            return Err(TargetError::Usage(format!(
                "{address}: baseline and candidate are both `{}`; name two",
                arms.baseline
            )));
        }
        Ok(Self { path: PathBuf::from(path), address, place, arms })
    }

    /// As people write it.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Reads what is in force. The generation is the SHA-256 of the file's bytes. When the weight was changed last is not
    /// known: a checkout or a formatter touches a file as well.
    ///
    /// # Errors
    /// The file cannot be read, or does not say a weight.
    pub fn read(&self) -> Result<Found, TargetError> {
        let (text, generation) = store::read(&self.path)?;
        let in_force = InForce { generation: Some(generation), ..self.found_in(&text)? };
        Ok(Found { in_force, text })
    }

    /// What a text says that is not the file's, such as an object of a cluster. Pure; knows no generation.
    ///
    /// # Errors
    /// It does not say a weight.
    pub(crate) fn found_in(&self, text: &str) -> Result<InForce, TargetError> {
        let state = self.look(text).map_err(|fault| fault.of(&self.shown(), text))?;
        Ok(InForce {
            target: self.address.clone(),
            weight_percent: split::percent(state.weight),
            shadow_percent: state.mirror.map(split::percent),
            ..InForce::default()
        })
    }

    /// The exact change, on paper. The plan's `wanted` is what the file will say: a share that it cannot say is rounded
    /// down, which the first lines of `shown` tell. `shown` is empty where nothing changes.
    ///
    /// # Errors
    /// The file cannot say what is wanted, or not in a way that can be changed in place.
    pub fn plan(&self, found: &Found, wanted: Wanted) -> Result<Plan, TargetError> {
        let Found { in_force, text } = found;
        let (after, new, notes) = self.changed(text, wanted).map_err(|fault| fault.of(&self.shown(), text))?;
        let notes: String = notes.iter().map(|note| format!("note: {note}\n")).collect();
        let diff = diff::unified(&self.shown(), text, &new);
        Ok(Plan {
            found: in_force.clone(),
            wanted: Wanted {
                weight_percent: split::percent(after.weight),
                mirror_percent: wanted.mirror_percent.and(after.mirror.map(split::percent)),
            },
            text: new,
            shown: format!("{notes}{diff}"),
        })
    }

    /// Replaces the file by the plan's text, whole or not at all, and reads it again. Blocks for as long as a disk does,
    /// and up to five seconds for another writer's lock.
    ///
    /// # Errors
    /// The file is not what the plan was made from any more, or cannot be written.
    pub fn apply(&self, plan: &Plan) -> Result<Found, TargetError> {
        store::replace(&self.path, Self::generation(plan)?, &plan.text)?;
        self.read()
    }

    /// Writes the plan's text to another file and leaves the target as it is.
    ///
    /// # Errors
    /// The target is not what the plan was made from any more, or the other file cannot be written.
    pub fn write_to(&self, plan: &Plan, out: &Path) -> Result<(), TargetError> {
        store::write_elsewhere(&self.path, Self::generation(plan)?, &plan.text, out)
    }

    fn generation(plan: &Plan) -> Result<&str, TargetError> {
        let none = || TargetError::Usage(format!("{}: the plan does not say what it was made from", plan.found.target));
        plan.found.generation.as_deref().ok_or_else(none)
    }

    fn shown(&self) -> String {
        self.path.display().to_string()
    }

    fn look(&self, text: &str) -> Result<State, Fault> {
        let Self { place, arms, .. } = self;
        match place {
            Place::HttpRoute(object) => httproute::look(text, object, arms),
            Place::VirtualService(object) => virtualservice::look(text, object, arms),
            Place::Ingress(object) => ingress::look(text, object, arms),
            Place::Json(pointer) => pointer.look(text),
            Place::Nginx(variable) => nginx::look(text, variable.as_deref(), arms),
            Place::HaProxy => haproxy::look(text, arms),
        }
    }

    fn change(&self, text: &str, asked: Asked) -> Result<Change, Fault> {
        let Self { place, arms, .. } = self;
        match place {
            Place::HttpRoute(object) => httproute::change(text, object, arms, asked),
            Place::VirtualService(object) => virtualservice::change(text, object, arms, asked),
            Place::Ingress(object) => ingress::change(text, object, arms, asked),
            Place::Json(pointer) => pointer.change(text, asked),
            Place::Nginx(variable) => nginx::change(text, variable.as_deref(), arms, asked),
            Place::HaProxy => haproxy::change(text, arms, asked),
        }
    }

    fn changed(&self, text: &str, wanted: Wanted) -> Result<(State, String, Vec<String>), Fault> {
        let mirror = wanted.mirror_percent.map(split::hundredths).transpose()?;
        let asked = Asked { weight: split::hundredths(wanted.weight_percent)?, mirror };
        let before = self.look(text)?;
        let Change { edits, notes } = self.change(text, asked)?;
        let new = edit::apply(text, &edits)?;
        let after = self.look(&new).map_err(|_| unreadable())?;
        let says = |asked: u32, after: u32| after == asked || (after < asked && !notes.is_empty());
        let mirror_says = match (asked.mirror, after.mirror) {
            (Some(asked), Some(after)) => says(asked, after),
            (Some(_), None) => false,
            (None, after) => after == before.mirror,
        };
        if !says(asked.weight, after.weight) || !mirror_says {
            return Err(unreadable());
        }
        let idle = |asked: u32, before: u32, after: u32| asked > before && after <= before;
        let mirror_idle = asked.mirror.zip(before.mirror).zip(after.mirror);
        if idle(asked.weight, before.weight, after.weight)
            || mirror_idle.is_some_and(|((asked, before), after)| idle(asked, before, after))
        {
            return Err(Fault::whole(format!("{}; so nothing would rise", notes.join("; "))));
        }
        Ok((after, new, notes))
    }
}

/// The change does not read back.
fn unreadable() -> Fault {
    Fault::whole(
        "the change would not read back as what was asked, so nothing is changed; edit the file by hand and report its form",
    )
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
