//! What to fly: the file, read strictly. An unknown key is an error that names the nearest known one.

use crate::cmd::{duration, evaluate};
use crate::outcome::{Exit, Failure};
use crate::prices;
use gate::adjust;
use gate::pilot::{self, Then};
use gate::signature::{PublicKey, SecretKey};
use judge::policy::Policy;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::time::Duration;
use wire::price::Tariffs;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    migration: String,
    records: Vec<PathBuf>,
    interval: Option<String>,
    out: Option<PathBuf>,
    reports_kept: Option<usize>,
    audit: Option<PathBuf>,
    policy: Option<PathBuf>,
    gate_policy: Option<PathBuf>,
    prices: Option<PathBuf>,
    #[serde(default)]
    labels: Vec<PathBuf>,
    sign_key: Option<PathBuf>,
    name: Option<String>,
    lease: Option<String>,
    #[serde(default)]
    gateway: RawGateway,
    #[serde(default)]
    hold_back: RawHoldBack,
    #[serde(default)]
    rollback: RawRollback,
    #[serde(default)]
    copies: RawCopies,
    adjust: Option<RawAdjust>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawGateway {
    target: Option<String>,
    token_env: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHoldBack {
    percent: Option<f64>,
    #[serde(rename = "for")]
    length: Option<String>,
    then: Option<RawThen>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RawThen {
    Stay,
    Finish,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRollback {
    wait: Option<String>,
    most: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCopies {
    budget: Option<String>,
    period: Option<Period>,
}

/// The time that a budget is for, in UTC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Period {
    Day,
    Week,
    #[default]
    Month,
    All,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAdjust {
    mode: RawMode,
    share_max_percent: f64,
    step_percent: Option<f64>,
    #[serde(default)]
    i_know_this_is_not_evidence: bool,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RawMode {
    Latency,
    FirstToken,
    InFlight,
}

/// What to fly, checked.
pub(super) struct Config {
    pub migration: String,
    pub records: Vec<PathBuf>,
    pub interval: Duration,
    pub out: PathBuf,
    pub reports_kept: usize,
    pub audit: PathBuf,
    pub policy: Policy,
    pub gate_policy: gate::Policy,
    pub tariffs: Tariffs,
    pub labels: Vec<PathBuf>,
    pub sign_key: Option<SecretKey>,
    /// Keys whose signatures count: the gate's, and this one's own.
    pub trusted: Vec<PublicKey>,
    pub name: Option<String>,
    pub lease: Duration,
    pub target: String,
    pub token_env: String,
    pub pilot: pilot::Policy,
    pub period: Period,
    pub adjust: Option<adjust::Policy>,
}

impl Config {
    /// Reads a file; paths in it are relative to its folder.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let shown = path.display();
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::usage(format!("cannot read {shown}: {error}; check --config")))?;
        let raw: Raw = toml::from_str(&text).map_err(|error| Failure::usage(not_read(path, &text, &error)))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Self::of(raw, folder).map_err(|failure| Failure { message: format!("{shown}: {}", failure.message), ..failure })
    }

    fn of(raw: Raw, folder: &Path) -> Result<Self, Failure> {
        let at = |path: PathBuf| folder.join(path);
        if raw.records.is_empty() && raw.adjust.is_none() {
            return Err(Failure::usage("`records` is empty: name the files or folders that the gateway writes"));
        }
        let gate_policy = match raw.gate_policy {
            Some(path) => gate::Policy::read(&at(path)).map_err(Failure::usage)?,
            None => gate::Policy::default(),
        };
        let sign_key = raw.sign_key.map(|path| secret_key(&at(path))).transpose()?;
        let mut trusted = crate::cmd::gate::trusted(&gate_policy)?;
        trusted.extend(sign_key.as_ref().map(|key| key.public().clone()));
        let adjust = raw.adjust.map(adjustment).transpose()?;
        if sign_key.is_none() && !gate_policy.allow_unsigned && adjust.is_none() {
            return Err(Failure::usage(
                "nothing would ever be raised: name a `sign_key` (`weighbridge sign --new-key` makes one), or say `unsigned = \
                 \"allow\"` in the gate's policy",
            ));
        }
        Ok(Self {
            records: raw.records.into_iter().map(at).collect(),
            interval: length("interval", raw.interval.as_deref(), Duration::from_secs(60))?,
            out: at(raw.out.unwrap_or_else(|| "autopilot".into())),
            reports_kept: raw.reports_kept.unwrap_or(100).max(1),
            audit: at(raw.audit.unwrap_or_else(|| "weighbridge-audit.ndjson".into())),
            policy: evaluate::policy(raw.policy.map(at).as_deref())?,
            gate_policy,
            tariffs: tariffs(raw.prices.map(at))?,
            labels: raw.labels.into_iter().map(at).collect(),
            sign_key,
            trusted,
            name: raw.name,
            lease: lease(raw.lease.as_deref())?,
            target: raw.gateway.target.unwrap_or_else(|| "http://127.0.0.1:8081".to_owned()),
            token_env: raw.gateway.token_env.unwrap_or_else(|| "WEIGHBRIDGE_ADMIN_TOKEN".to_owned()),
            pilot: pilot_policy(&raw.hold_back, &raw.rollback, &raw.copies)?,
            period: raw.copies.period.unwrap_or_default(),
            adjust,
            migration: raw.migration,
        })
    }
}

fn length(key: &str, text: Option<&str>, default: Duration) -> Result<Duration, Failure> {
    let length = text.map_or(Ok(default), |text| duration(&format!("`{key}`"), text))?;
    Ok(length)
}

/// Bounds are the gateway's; a lease must outlast a few missed beats.
fn lease(text: Option<&str>) -> Result<Duration, Failure> {
    let lease = length("lease", text, Duration::from_secs(15))?;
    if (Duration::from_secs(1)..=Duration::from_secs(600)).contains(&lease) {
        return Ok(lease);
    }
    Err(Failure::usage("`lease` is out of range: expected 1s to 10m"))
}

fn pilot_policy(hold: &RawHoldBack, back: &RawRollback, copies: &RawCopies) -> Result<pilot::Policy, Failure> {
    let default = pilot::Policy::default();
    let percent = hold.percent.unwrap_or(f64::from(default.hold_back_hundredths) / 100.0);
    if !(0.0..=50.0).contains(&percent) {
        return Err(Failure::usage(format!("`hold_back.percent` is {percent}: expected 0 to 50")));
    }
    Ok(pilot::Policy {
        // In range, so nothing is cut.
        hold_back_hundredths: (percent * 100.0).round() as u16,
        hold_back: length("hold_back.for", hold.length.as_deref(), default.hold_back)?,
        then: match hold.then {
            Some(RawThen::Finish) => Then::Finish,
            Some(RawThen::Stay) | None => Then::Stay,
        },
        after_rollback: length("rollback.wait", back.wait.as_deref(), default.after_rollback)?,
        rollbacks_max: back.most.unwrap_or(default.rollbacks_max),
        copies_budget_nanos: copies.budget.as_deref().map(budget).transpose()?,
    })
}

fn budget(text: &str) -> Result<i64, Failure> {
    super::money::nanos(text)
        .filter(|nanos| *nanos > 0)
        .ok_or_else(|| Failure::usage(format!("`copies.budget` is `{text}`: expected an amount such as \"25.00\"")))
}

fn adjustment(raw: RawAdjust) -> Result<adjust::Policy, Failure> {
    if !raw.i_know_this_is_not_evidence {
        return Err(Failure::usage(
            "`[adjust]` sets weights by latency, which proves nothing about answers, errors or cost: say \
             `i_know_this_is_not_evidence = true` to have it all the same, or take the table away",
        ));
    }
    let within = |key: &str, percent: f64, least: f64| {
        let hundredths = (percent * 100.0).round();
        let fits = (least..=100.0).contains(&percent);
        // In range, so nothing is cut.
        if fits {
            Ok(hundredths as u16)
        } else {
            Err(Failure::usage(format!("`adjust.{key}` is {percent}: expected {least} to 100")))
        }
    };
    Ok(adjust::Policy {
        mode: match raw.mode {
            RawMode::Latency => adjust::Mode::Latency,
            RawMode::FirstToken => adjust::Mode::FirstToken,
            RawMode::InFlight => adjust::Mode::InFlight,
        },
        share_max_hundredths: within("share_max_percent", raw.share_max_percent, 0.01)?,
        step_hundredths: within("step_percent", raw.step_percent.unwrap_or(5.0), 0.0)?,
    })
}

fn tariffs(path: Option<PathBuf>) -> Result<Tariffs, Failure> {
    prices::PriceTable { file: path }.tariffs()
}

fn secret_key(path: &Path) -> Result<SecretKey, Failure> {
    let text = crate::cmd::gate::read_key(path)?;
    SecretKey::from_pem(&text).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}

/// Where it went wrong, and for an unknown key which one was probably meant.
fn not_read(path: &Path, text: &str, error: &toml::de::Error) -> String {
    let line =
        error.span().map_or(1, |span| text.get(..span.start).map_or(1, |before| before.matches('\n').count() + 1));
    let message = error.message();
    let mut quoted = message.split('`').skip(1).step_by(2);
    let unknown = quoted.next().filter(|_| message.starts_with("unknown field"));
    let nearest = unknown.and_then(|unknown| {
        quoted.max_by(|a, b| strsim::jaro_winkler(unknown, a).total_cmp(&strsim::jaro_winkler(unknown, b)))
    });
    match unknown.zip(nearest) {
        Some((unknown, nearest)) => {
            format!("{}, line {line}: unknown key `{unknown}`; the nearest known key is `{nearest}`", path.display())
        }
        None => format!("{}, line {line}: {message}", path.display()),
    }
}

/// The admin token.
pub(super) fn token(variable: &str) -> Result<String, Failure> {
    std::env::var(variable).map_err(|_| Failure {
        exit: Exit::Usage,
        message: format!("the variable {variable} is not set: export the admin token"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_states_the_defaults() {
        let folder = tempfile::tempdir().unwrap();
        let key = SecretKey::generate().unwrap().to_pem().unwrap();
        std::fs::write(folder.path().join("sign.pem"), key).unwrap();
        let read = |text: &str| {
            let path = folder.path().join("autopilot.toml");
            std::fs::write(&path, text).unwrap();
            Config::read(&path).unwrap_or_else(|failure| panic!("{}", failure.message))
        };
        let example = include_str!("../../../gateway/examples/autopilot.toml");
        let full = read(example);
        let bare = read("migration = \"openai-to-deepseek\"\nrecords = [\"records\"]\nsign_key = \"sign.pem\"");
        let said = |config: &Config| {
            let Config {
                migration, records, interval, out, reports_kept, audit, lease, target, token_env, pilot, ..
            } = config;
            let paths = format!("{records:?} {out:?} {audit:?}");
            format!(
                "{migration} {paths} {interval:?} {reports_kept} {lease:?} {target} {token_env} {pilot:?} {:?}",
                config.period
            )
        };
        assert_eq!(said(&full), said(&bare));
        assert!(full.adjust.is_none() && full.trusted.len() == 1);

        // What is commented out can be put in.
        let adjust = example.split_once("# [adjust]").unwrap().1;
        let lines: String =
            adjust.lines().skip(1).filter_map(|line| line.strip_prefix("# ")).map(|line| format!("{line}\n")).collect();
        let with = read(&format!("{}[adjust]\n{lines}", example.split_once("# [adjust]").unwrap().0));
        let policy = with.adjust.unwrap();
        assert_eq!(
            (policy.mode, policy.share_max_hundredths, policy.step_hundredths),
            (adjust::Mode::Latency, 5000, 500)
        );
    }
}
