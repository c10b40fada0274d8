//! `weighbridge sign`: signs a verdict, and makes the key for it.

use super::evaluate::{is_standard_output, write};
use super::gate::read_key;
use crate::args;
use crate::outcome::{Exit, Failure};
use crate::{render, verdict_file};
use ::gate::signature::{SecretKey, SignError, sign};
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

pub(super) fn run(args: &args::Sign) -> Result<Exit, Failure> {
    if let Some(path) = &args.new_key {
        return new_key(path).map(|key| {
            render::result(&told(path, &key));
            Exit::Done
        });
    }
    let (Some(verdict), Some(key_file)) = (&args.verdict, &args.key_file) else {
        return Err(Failure::usage("name a verdict and --key-file, or --new-key"));
    };
    let key = secret_key(key_file)?;
    let text = sign(&verdict_file::bytes(verdict)?, &key).map_err(|error| match error {
        SignError::Open(error) => verdict_file::failure(verdict, &error),
        SignError::Key(error) => Failure::world(format!("the verdict was not signed: {error}")),
    })?;
    let out = args.out.as_ref().unwrap_or(verdict);
    if is_standard_output(out) {
        render::result(&text);
    } else {
        write(out, text.as_bytes())?;
        render::note(&format!("verdict  {}, signed by the key {}", out.display(), key.public().fingerprint()));
    }
    Ok(Exit::Done)
}

/// The private key in a file.
pub(super) fn secret_key(path: &Path) -> Result<SecretKey, Failure> {
    SecretKey::from_pem(&read_key(path)?).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}

/// Makes a key pair in two files, neither of which may exist.
pub(super) fn new_key(path: &Path) -> Result<SecretKey, Failure> {
    let public = public_path(path);
    if public.symlink_metadata().is_ok() {
        return Err(exists(&public));
    }
    let key = SecretKey::generate().map_err(|error| Failure::world(format!("no key was made: {error}")))?;
    let pem = key.to_pem().map_err(|error| Failure::world(format!("no key was made: {error}")))?;
    create(path, &pem, true)?;
    create(&public, &key.public().to_pem(), false)?;
    Ok(key)
}

/// `key.pem` has its public half in `key.pub.pem`.
pub(super) fn public_path(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{}.pub.pem", name.strip_suffix(".pem").unwrap_or(&name)))
}

fn create(path: &Path, text: &str, secret: bool) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, if secret { 0o600 } else { 0o644 });
    #[cfg(not(unix))]
    let _nobody_else = secret;
    let mut file = options.open(path).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => exists(path),
        _ => Failure::world(datasets::file::FileError::new(path, error)),
    })?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    written.map_err(|error| Failure::world(datasets::file::FileError::new(path, error)))
}

fn exists(path: &Path) -> Failure {
    Failure::usage(format!("{} exists: no key is overwritten, choose another name", path.display()))
}

fn told(path: &Path, key: &SecretKey) -> String {
    format!(
        "private key  {}  (keep it where verdicts are made, and nowhere else)\npublic key   {}\nfingerprint  {}\n",
        path.display(),
        public_path(path).display(),
        key.public().fingerprint()
    )
}
