//! `weighbridge records redact`.

use super::convert::opened;
use super::sink::{Sink, Stop, write};
use super::source::{Record, Source, files_twice};
use super::{counted, progress};
use crate::args::{self, ContentMode};
use crate::outcome::{Exit, Failure};
use crate::render;
use datasets::convert::{ContentRedaction, Redacted};
use datasets::redact::Redactor;
use datasets::{Format, Header, Redaction};

pub(super) fn run(args: &args::RecordsRedact) -> Result<Exit, Failure> {
    let files = files_twice(&args.files, &args.out)?;
    let (mut opened, header) = opened(&files, args.drop_unknown)?;
    let redaction = redaction(args, &header)?;
    let mut done = Redacted::default();
    // What is not known is not in the file any more, so that nothing of a newer version is.
    let version = header.oldest_version(&Header::new(header.format, header.redaction));
    let header = Header { version, ..redaction.header(&header) };
    let read_to_end = write(&args.out, &header, |sink| {
        for path in &files {
            let source = opened.take().map_or_else(|| Source::open(path), Ok)?;
            one(source, args, &redaction, sink, &mut done)?;
        }
        Ok(())
    })?;
    render::progress("");
    if read_to_end {
        render::note(&format!("records  {}: {}", args.out.display(), told(&done)));
    }
    Ok(Exit::Done)
}

fn redaction(args: &args::RecordsRedact, header: &Header) -> Result<ContentRedaction, Failure> {
    let mode = match (args.mode, header.format) {
        (_, Format::Labels) => return Err(Failure::usage("labels hold no content: nothing to take out")),
        (Some(ContentMode::Hashed), Format::Requests) => {
            return Err(Failure::usage(
                "a request log holds the bodies that it plays: --mode full takes out secrets and personal data, --mode \
                 none the recorded answers as well",
            ));
        }
        (Some(ContentMode::Full), Format::Exchanges) => {
            return Err(Failure::usage("--mode full takes nothing out of exchange records: choose hashed or none"));
        }
        (Some(ContentMode::None), _) => Redaction::None,
        (_, Format::Requests) => Redaction::Full,
        (_, Format::Exchanges) => Redaction::Hashed,
    };
    let salt = salt(args)?;
    if salt.is_none() && mode == Redaction::Hashed && header.redaction == Redaction::Full {
        return Err(Failure::usage(
            "answers become digests, which need a salt: name it with --salt-env or --salt-file, the same as that of the \
             records that they are compared with",
        ));
    }
    let default = Redactor::default();
    let marks = salt.clone().unwrap_or_else(|| default.salt.clone());
    Ok(ContentRedaction { mode, salt: salt.unwrap_or_default(), redactor: Redactor { salt: marks, ..default } })
}

fn salt(args: &args::RecordsRedact) -> Result<Option<String>, Failure> {
    let salt = match (&args.salt_env, &args.salt_file) {
        (Some(name), _) => std::env::var(name)
            .map_err(|_| Failure::usage(format!("the variable {name} is not set: export the salt")))?,
        (None, Some(path)) => std::fs::read_to_string(path)
            .map_err(|error| Failure::usage(format!("cannot read {}: {error}; check --salt-file", path.display())))?
            .trim_end()
            .to_owned(),
        (None, None) => return Ok(None),
    };
    if salt.is_empty() {
        Err(Failure::usage("the salt is empty: it keeps guesses from being tried out"))
    } else {
        Ok(Some(salt))
    }
}

fn one(
    mut source: Source,
    args: &args::RecordsRedact,
    redaction: &ContentRedaction,
    sink: &mut Sink<'_>,
    done: &mut Redacted,
) -> Result<(), Stop> {
    source.count_unknown();
    source.refuse_unknown_columns(args.drop_unknown)?;
    let mut seen = 0;
    while let Some(record) = source.next_whole() {
        let mut record = record?;
        source.refuse_unknown(&mut seen, args.drop_unknown)?;
        match &mut record {
            Record::Exchange(row) => redaction.exchange(row, done),
            Record::Request(row) => redaction.request(row, done),
            Record::Label(_) => {}
        }
        sink.put(record, None)?;
        progress(done.records);
    }
    Ok(())
}

fn told(done: &Redacted) -> String {
    let mut told = vec![counted(done.records, "record")];
    let taken = [(done.answers, "answer"), (done.digests, "digest")];
    told.extend(
        taken.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| counted(count, what) + " taken out"),
    );
    told.extend(done.found.iter().map(|(kind, count)| format!("{kind} {count}")));
    told.join(", ")
}
