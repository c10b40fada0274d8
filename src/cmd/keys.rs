//! `weighbridge keys`: consumers and their keys, of a running gateway or in a key file.
//!
//! A list of old keys is hashed here: no key of it travels or is kept.

mod table;

use super::gate::AdminPlane;
use crate::args::{self, Home, KeysCommand, ListAs, ScopeArgs, Which};
use crate::outcome::{Exit, Failure};
use crate::render;
use gateway::{CallersError, KeyFile};
use lease::keys::{
    Change, Instant, Listing, Network, Old, Outcome, Pattern, Place, READING_MAX, Reading, Scopes, Until, read_list,
};
use std::io::Read;
use std::path::Path;
use wire::Endpoint;

pub(super) async fn run(args: args::Keys) -> Result<Exit, Failure> {
    let now_us = jiff::Timestamp::now().as_microsecond();
    if let KeysCommand::List { consumer, old, days, home } = args.command {
        return list(consumer.as_deref(), old, days, &home, now_us).await;
    }
    let (change, home) = asked(args.command, now_us)?;
    let outcome = match &home.file {
        Some(path) => KeyFile::new(path).change(&change, now_us).map_err(failed)?,
        None => {
            let plane = plane(&home)?;
            // Saying what a consumer may do replaces what was said before: only of the state that is there now.
            let generation = match change {
                Change::Consumer { .. } => Some(plane.get::<Listing>(&["consumers"]).await?.generation),
                _ => None,
            };
            plane.post(&["consumers"], &change, generation).await?
        }
    };
    told(&outcome, home.json)?;
    Ok(Exit::Done)
}

/// The change that the arguments ask for.
fn asked(command: KeysCommand, now_us: i64) -> Result<(Change, Home), Failure> {
    Ok(match command {
        KeysCommand::Create { consumer, expires, note, scopes, home } => {
            let (scopes, expires_at) = (scopes_of(&scopes)?, instant("--expires", expires.as_deref(), now_us)?);
            (Change::Create { consumer, note, scopes, expires_at }, home)
        }
        KeysCommand::Consumer { consumer, group, note, scopes, home } => {
            (Change::Consumer { consumer, groups: group, note, scopes: scopes_of(&scopes)? }, home)
        }
        KeysCommand::Adopt { list, consumer, sunset, reading, home } => {
            let sunset_at = instant("--sunset", sunset.as_deref(), now_us)?;
            (Change::Adopt { keys: old_keys(&list, consumer.as_deref(), reading, now_us)?, sunset_at }, home)
        }
        KeysCommand::Revoke { which: Which { ids, consumer }, home } => (Change::Revoke { ids, consumer }, home),
        KeysCommand::Restore { which: Which { ids, consumer }, home } => (Change::Restore { ids, consumer }, home),
        KeysCommand::Rotate { id, overlap, expires, home } => {
            let overlap_seconds = super::duration("--overlap", &overlap)?.as_secs();
            (
                Change::Rotate { id, overlap_seconds, expires_at: instant("--expires", expires.as_deref(), now_us)? },
                home,
            )
        }
        KeysCommand::Amend { which: Which { ids, consumer }, sunset, expires, home } => {
            let expires_at = until("--expires", expires.as_deref(), now_us)?;
            let sunset_at = until("--sunset", sunset.as_deref(), now_us)?;
            (Change::Amend { ids, consumer, expires_at, sunset_at }, home)
        }
        KeysCommand::Remove { ids, home } => (Change::Remove { ids }, home),
        KeysCommand::List { .. } => return Err(Failure::usage("listing changes nothing")),
    })
}

fn plane(home: &Home) -> Result<AdminPlane, Failure> {
    let token = std::env::var(&home.token_env).map_err(|_| {
        Failure::usage(format!(
            "the variable {} is not set: export the admin token, or give --file to work without a gateway",
            home.token_env
        ))
    })?;
    AdminPlane::new(&home.target, &token)
}

/// Which side has to change something.
fn failed(error: CallersError) -> Failure {
    match error {
        CallersError::Home(_) | CallersError::Contended | CallersError::Chance => Failure::world(error),
        _ => Failure::usage(error),
    }
}

async fn list(consumer: Option<&str>, old: bool, days: u16, home: &Home, now_us: i64) -> Result<Exit, Failure> {
    let mut listing = match &home.file {
        Some(path) if !path.exists() => {
            return Err(Failure::usage(format!("there is no key file {}: `keys create` makes one", path.display())));
        }
        Some(path) => KeyFile::new(path).listing(now_us).map_err(failed)?,
        None => plane(home)?.get::<Listing>(&["consumers"]).await?,
    };
    if let Some(name) = consumer {
        listing.consumers.retain(|one| one.name == name);
        if listing.consumers.is_empty() {
            return Err(Failure::usage(format!("there is no consumer {name}")));
        }
    }
    if old {
        let is_old = |key: &lease::keys::KeyView| key.origin == lease::keys::Origin::Adopted;
        listing.consumers.iter_mut().for_each(|one| one.keys.retain(is_old));
        listing.consumers.retain(|one| !one.keys.is_empty());
    }
    if home.json {
        render::result(&serde_json::to_string_pretty(&listing).map_err(Failure::world)?);
    } else if old {
        render::result(&table::of_old(&listing, usize::from(days)));
    } else {
        render::result(&table::of_keys(&listing));
    }
    Ok(Exit::Done)
}

/// A new key goes to standard output alone, so that a script can take it; everything else is a remark.
fn told(outcome: &Outcome, json: bool) -> Result<(), Failure> {
    if json {
        render::result(&serde_json::to_string_pretty(outcome).map_err(Failure::world)?);
        return Ok(());
    }
    match &outcome.issued {
        Some(issued) => {
            render::result(&issued.key);
            render::note(&format!(
                "key {} of {}: it is shown this once, only its hash is kept",
                issued.id, issued.consumer
            ));
        }
        None => {
            let unchanged = match outcome.unchanged {
                0 => String::new(),
                same => format!(", {same} as they were"),
            };
            let count = outcome.changed.len();
            render::result(&format!("{count} key{} changed{unchanged}", if count == 1 { "" } else { "s" }));
        }
    }
    Ok(())
}

fn old_keys(list: &Path, consumer: Option<&str>, reading: ListAs, now_us: i64) -> Result<Vec<Old>, Failure> {
    let mut text = String::new();
    let limit = u64::try_from(READING_MAX).unwrap_or(u64::MAX).saturating_add(1);
    let read = if list == Path::new("-") {
        std::io::stdin().lock().take(limit).read_to_string(&mut text)
    } else {
        std::fs::File::open(list).and_then(|file| file.take(limit).read_to_string(&mut text))
    };
    read.map_err(|error| Failure::usage(format!("cannot read {}: {error}", list.display())))?;
    let reading = match reading {
        ListAs::Guess => Reading::Guess,
        ListAs::Keys => Reading::Keys,
        ListAs::Hashes => Reading::Hashes,
    };
    read_list(&text, consumer, reading, now_us)
        .map_err(|error| Failure::usage(format!("{}: {}", list.display(), error.mistakes.join("\n  "))))
}

fn instant(option: &str, text: Option<&str>, now_us: i64) -> Result<Option<Instant>, Failure> {
    let Some(text) = text else { return Ok(None) };
    Instant::parse(text, now_us).map(Some).ok_or_else(|| {
        Failure::usage(format!(
            "{option} is `{text}`: expected 2026-12-31, 2026-12-31T18:00:00Z, or a time such as 90d"
        ))
    })
}

fn until(option: &str, text: Option<&str>, now_us: i64) -> Result<Option<Until>, Failure> {
    match text {
        Some("never") => Ok(Some(Until::Never)),
        text => Ok(instant(option, text, now_us)?.map(Until::At)),
    }
}

fn scopes_of(args: &ScopeArgs) -> Result<Scopes, Failure> {
    let patterns = |option: &str, texts: &[String]| -> Result<Option<Vec<Pattern>>, Failure> {
        let all: Option<Vec<Pattern>> = texts.iter().map(|text| Pattern::parse(text)).collect();
        let all = all.ok_or_else(|| {
            Failure::usage(format!("{option} is no pattern: expected a name, or its beginning followed by one `*`"))
        })?;
        Ok((!all.is_empty()).then_some(all))
    };
    let sources: Option<Vec<Network>> = args.source.iter().map(|text| Network::parse(text)).collect();
    let sources = sources
        .ok_or_else(|| Failure::usage("--source is no network: expected an address or a range such as 10.0.0.0/8"))?;
    let endpoints = patterns("--endpoint", &args.endpoint)?;
    let takes_one = |one: &Pattern| Endpoint::ALL.iter().any(|of| one.takes(of.name()) || one.takes(of.path()));
    if let Some(none) = endpoints.iter().flatten().find(|one| !takes_one(one)) {
        let names: Vec<&str> = Endpoint::ALL.iter().map(|endpoint| endpoint.name()).collect();
        let names = names.join(", ");
        return Err(Failure::usage(format!("--endpoint {none} is none: expected some of {names}, or their paths")));
    }
    Ok(Scopes {
        models: patterns("--model", &args.model)?,
        migrations: patterns("--migration", &args.migration)?,
        endpoints,
        sources: (!sources.is_empty()).then_some(sources),
    })
}

/// Where a consumer stands, in a table.
const fn place(place: Place) -> &'static str {
    match place {
        Place::Configuration => "configuration",
        Place::Kept => "kept",
    }
}
