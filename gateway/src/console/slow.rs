//! What is not worth asking for with every document: it takes long tables, or Redis.

use super::document::{ConsumerShown, QuotaShown, TodayShown};
use crate::admin::audit::AuditEntry;
use crate::quota::KnownBalance;
use crate::routing::budget::day_of;
use crate::state::Shared;
use crate::usage::Sums;
use std::collections::BTreeMap;

/// How long it is good, microseconds.
const GOOD_FOR_US: i64 = 5_000_000;
/// Consumers that are shown.
const CONSUMERS_MAX: usize = 100;
/// Changes that are shown.
const AUDIT_SHOWN: usize = 50;
/// Limits of one consumer that are shown.
const QUOTAS_MAX: usize = 20;

/// See the module's text.
#[derive(Debug, Clone, Default)]
pub(super) struct Slow {
    pub consumers: Vec<ConsumerShown>,
    pub consumers_left_out: usize,
    /// Usage is kept, so that who called today is known.
    pub usage_kept: bool,
    pub audit: Vec<AuditEntry>,
    /// Names of the replicas that live.
    pub replicas: Vec<String>,
    /// When it was read; the sum of all epochs and pauses then, because a change is wanted in the trail at once.
    read: Option<(i64, u64)>,
}

impl Slow {
    /// Reads it again if it is too old, or if something has changed since.
    pub(super) async fn refresh(&mut self, shared: &Shared, now_us: i64) {
        let mark = mark(shared);
        let good = |(at_us, before): (i64, u64)| before == mark && (at_us..at_us + GOOD_FOR_US).contains(&now_us);
        if self.read.is_some_and(good) {
            return;
        }
        let plane = shared.plane.load_full();
        let today = shared.quotas.today(day_of(now_us));
        self.usage_kept = today.is_some();
        let balances = shared.quotas.known_balances(&plane.config.quotas.rules, now_us);
        (self.consumers, self.consumers_left_out) = consumers(today, balances);
        self.audit = match &shared.replicas {
            None => shared.audit.latest(AUDIT_SHOWN),
            Some(replicas) => {
                self.replicas = replicas.alive();
                match replicas.audit().await {
                    Ok(entries) => entries.into_iter().rev().take(AUDIT_SHOWN).rev().collect(),
                    Err(_) => shared.audit.latest(AUDIT_SHOWN),
                }
            }
        };
        // Last: whoever leaves while Redis is asked leaves it unread.
        self.read = Some((now_us, mark));
    }
}

fn mark(shared: &Shared) -> u64 {
    let of = |lane: &std::sync::Arc<crate::lane::Lane>| lane.snapshot().epoch.wrapping_add(u64::from(lane.is_paused()));
    shared.plane.load().lanes.iter().map(of).fold(0, u64::wrapping_add)
}

/// Those that cost most today first.
fn consumers(today: Option<BTreeMap<String, Sums>>, balances: Vec<KnownBalance>) -> (Vec<ConsumerShown>, usize) {
    let keeps_usage = today.is_some();
    let mut all: BTreeMap<String, (Sums, Vec<QuotaShown>)> =
        today.unwrap_or_default().into_iter().map(|(name, sums)| (name, (sums, Vec::new()))).collect();
    for balance in balances {
        // Of an account of several dimensions nobody could say which consumer has how much left.
        let Some(name) = balance.subject.strip_prefix("consumer=").filter(|name| !name.contains(',')) else { continue };
        let quotas = &mut all.entry(name.to_owned()).or_default().1;
        if quotas.len() < QUOTAS_MAX {
            quotas.push(quota(&balance));
        }
    }
    let mut all: Vec<(String, (Sums, Vec<QuotaShown>))> = all.into_iter().collect();
    all.sort_by_key(|(_, (sums, _))| std::cmp::Reverse((sums.nanos, sums.requests)));
    let left_out = all.len().saturating_sub(CONSUMERS_MAX);
    let shown = |(name, (sums, quotas)): (String, (Sums, Vec<QuotaShown>))| ConsumerShown {
        name,
        today: keeps_usage.then(|| TodayShown {
            requests: sums.requests,
            tokens: sums.prompt.saturating_add(sums.completion),
            cost_nanos: sums.nanos,
        }),
        quotas,
    };
    (all.into_iter().take(CONSUMERS_MAX).map(shown).collect(), left_out)
}

fn quota(balance: &KnownBalance) -> QuotaShown {
    #[expect(clippy::cast_precision_loss, reason = "a share in percent")]
    let left_percent = (balance.left as f64 / balance.max.max(1) as f64 * 100.0).min(100.0);
    QuotaShown {
        limit: balance.limit.to_string(),
        unit: balance.unit,
        max: balance.max,
        used: balance.taken.saturating_sub(balance.reserved),
        set_aside: balance.reserved,
        left_percent: (left_percent * 100.0).round() / 100.0,
        resets_us: balance.reset_us,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(nanos: i64) -> Sums {
        Sums { requests: 2, prompt: 10, completion: 5, nanos, ..Sums::default() }
    }

    fn balance(subject: &str, left: u64) -> KnownBalance {
        KnownBalance {
            limit: "daily".into(),
            unit: "tokens",
            subject: subject.to_owned(),
            max: 1000,
            left,
            taken: 1000 - left,
            reserved: 4,
            reset_us: Some(7),
        }
    }

    #[test]
    fn the_dearest_come_first_and_the_rest_is_counted() {
        let today: BTreeMap<String, Sums> =
            (0..250).map(|number| (format!("team-{number:03}"), sums(number))).collect();
        let (shown, left_out) = consumers(Some(today), Vec::new());
        assert_eq!((shown.len(), left_out), (CONSUMERS_MAX, 150));
        assert_eq!((shown[0].name.as_str(), shown[99].name.as_str()), ("team-249", "team-150"));
        let today = shown[0].today.as_ref().unwrap();
        assert_eq!((today.requests, today.tokens, today.cost_nanos), (2, 15, 249));
    }

    #[test]
    fn a_limit_stands_with_the_consumer_that_it_is_for() {
        let balances = vec![
            balance("consumer=a", 250),
            balance("all", 1),
            balance("group=x", 1),
            balance("consumer=a,model=b", 1),
        ];
        let (shown, _) = consumers(None, balances);
        assert_eq!(shown.len(), 1);
        assert!(shown[0].today.is_none(), "no usage is kept: that is not nothing used");
        let quota = &shown[0].quotas[0];
        assert_eq!((quota.used, quota.set_aside, quota.max, quota.resets_us), (746, 4, 1000, Some(7)));
        assert!((quota.left_percent - 25.0).abs() < 1e-9);
    }
}
