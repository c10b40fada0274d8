//! Which limits a request falls under, and what it asks of each.

use super::reckon::{self, Most};
use super::{ANONYMOUS, refuse};
use crate::callers::{Caller, Errand};
use crate::config::{Dimension, QuotaRule, QuotaStore, Unpriced};
use crate::lane::Lane;
use crate::problem::Problem;
use crate::routing::{Patterns, WeightBp};
use crate::telemetry::Metrics;
use lease::quota::{AMOUNT_MAX, Claim, Unit};
use wire::Request;
use wire::price::{Call, Tariffs, Tier};
use wire::usage::Tally;

/// What stands for models that nobody configured: clients may name any.
const OTHER: &str = "other";

/// One request, as far as quotas look at it.
#[derive(Clone, Copy)]
pub(crate) struct Ask<'a> {
    pub rules: &'a [QuotaRule],
    pub caller: &'a Caller,
    pub errand: &'a Errand<'a>,
    pub request: &'a Request<'a>,
    /// What a provider bills of its prompt.
    pub tally: &'a Tally,
    /// Bytes of its body.
    pub bytes: usize,
    pub lane: &'a Lane,
    pub tariffs: &'a Tariffs,
    pub metrics: &'a Metrics,
    pub at_us: i64,
}

impl<'a> Ask<'a> {
    /// The rules that the request falls under.
    pub(super) fn matching(&self) -> impl Iterator<Item = &'a QuotaRule> {
        let this = *self;
        self.rules.iter().filter(move |rule| this.falls_under(rule))
    }

    fn falls_under(&self, rule: &QuotaRule) -> bool {
        let Errand { model, migration, .. } = *self.errand;
        rule.consumers.as_ref().is_none_or(|consumers| self.is_among(consumers))
            && rule.models.as_ref().is_none_or(|models| models.take(model))
            && rule.migrations.as_ref().is_none_or(|migrations| migrations.take(migration))
            && rule.groups.as_ref().is_none_or(|groups| self.caller.groups.iter().any(|group| groups.take(group)))
    }

    /// Callers without a name are meant by their own word only: a beginning such as `an*` means names.
    fn is_among(&self, consumers: &Patterns) -> bool {
        self.caller.name.as_deref().map_or_else(|| consumers.names(ANONYMOUS), |name| consumers.take(name))
    }

    fn consumer(&self) -> &'a str {
        self.caller.name.as_deref().unwrap_or(ANONYMOUS)
    }

    /// What is asked of every account.
    ///
    /// # Errors
    /// A limit of money, and a model without a price.
    pub(super) fn claims(&self, config: &QuotaStore) -> Result<Vec<Claim<'a>>, Problem> {
        let mut claims = Vec::new();
        let mut most: Option<Most> = None;
        for rule in self.matching() {
            if rule.limits.is_empty() {
                continue;
            }
            let most =
                most.get_or_insert_with(|| reckon::most(self.request, self.mapped(), self.tally, self.bytes, config));
            for subject in self.subjects(rule) {
                for limit in &rule.limits {
                    let amount = match limit.unit {
                        Unit::Requests => 1,
                        Unit::InputTokens => most.input,
                        Unit::OutputTokens => most.output,
                        Unit::Tokens => most.input.saturating_add(most.output),
                        Unit::NanoDollars => self.nanos(rule, *most)?,
                    };
                    claims.push(Claim { account: limit.account(&subject), limit, amount: amount.min(AMOUNT_MAX) });
                }
            }
        }
        Ok(claims)
    }

    /// The model that the candidate would be asked for.
    fn mapped(&self) -> Option<&'a str> {
        self.lane.migration.as_ref()?.models.get(&self.request.model).map(AsRef::as_ref)
    }

    /// The dearest of the arms that may serve it, in the dearer of the tiers that they may serve it in: the one that it asks for,
    /// and the standard one, into which a provider may put it.
    fn nanos(&self, rule: &QuotaRule, most: Most) -> Result<u64, Problem> {
        let usage = most.usage();
        let asked = self.request.tier();
        let price = |provider: &str, model: &str| {
            let of_tier = |tier| {
                let call = Call { tier, ..Call::new(provider, model, self.at_us) };
                self.tariffs.price(&call, &usage).map(|priced| priced.nanos)
            };
            let (standard, asked) = (of_tier(Tier::Standard), of_tier(asked.at(provider)));
            if rule.unpriced == Unpriced::Free {
                standard.max(asked)
            } else {
                standard.zip(asked).map(|(one, two)| one.max(two))
            }
        };
        let model = &*self.request.model;
        let mut dearest = price(self.lane.baseline.provider(), model);
        if let (Some(migration), Some(candidate)) = (&self.lane.migration, &self.lane.candidate)
            && (self.lane.snapshot().weights.candidate > WeightBp::ZERO || !migration.rules.is_empty())
            && let Some(model) = self.mapped()
        {
            let other = price(candidate.provider(), model);
            dearest = if rule.unpriced == Unpriced::Free {
                dearest.max(other)
            } else {
                dearest.zip(other).map(|(one, two)| one.max(two))
            };
        }
        match (dearest, rule.unpriced) {
            (Some(nanos), _) => Ok(u64::try_from(nanos).unwrap_or(0)),
            (None, Unpriced::Free) => Ok(0),
            (None, Unpriced::Refuse) => Err(refuse::unpriced(&rule.name, model)),
        }
    }

    /// Whose accounts they are: one, or one for each group that the rule takes.
    fn subjects(&self, rule: &QuotaRule) -> Vec<String> {
        let groups: Vec<Option<&str>> = if rule.per.contains(&Dimension::Group) {
            let taken = |group: &&str| rule.groups.as_ref().is_none_or(|groups| groups.take(group));
            let groups: Vec<Option<&str>> =
                self.caller.groups.iter().map(AsRef::as_ref).filter(taken).map(Some).collect();
            if groups.is_empty() { vec![None] } else { groups }
        } else {
            vec![None]
        };
        groups.into_iter().map(|group| self.subject(rule, group)).collect()
    }

    fn subject(&self, rule: &QuotaRule, group: Option<&str>) -> String {
        let values = rule.per.iter().map(|dimension| match dimension {
            Dimension::Consumer => format!("consumer={}", self.consumer()),
            Dimension::Group => format!("group={}", group.unwrap_or("none")),
            Dimension::Model => format!("model={}", self.model(rule)),
            Dimension::Migration => format!("migration={}", self.errand.migration),
        });
        let values: Vec<String> = values.collect();
        if values.is_empty() { "all".to_owned() } else { values.join(",") }
    }

    fn model(&self, rule: &QuotaRule) -> &'a str {
        let model = self.errand.model;
        let named = rule.models.as_ref().is_some_and(|models| models.names(model));
        if named || self.metrics.knows_model(model) { model } else { OTHER }
    }
}
