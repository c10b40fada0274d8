//! What becomes of the rows at one provider, by the same adapters that rewrite them in a run.

use super::add_name;
use crate::budget::{self, Completion};
use crate::options::ReplayOptions;
use datasets::Arm;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use wire::json::Object;
use wire::price::{Call, Tariffs};
use wire::provider::{Policy, Provider, Target};
use wire::usage::Tally;
use wire::{Request, Usage, UsageSource};

/// What becomes of the rows at one provider: `rows = same + rewritten + losing + unfit`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ArmPreview {
    /// The provider.
    pub provider: String,
    /// Rows that pass as they are, but for the model's name.
    pub same: u64,
    /// Rows that are said in the provider's own way, and lose nothing.
    pub rewritten: u64,
    /// Rows that lose members which the provider would refuse or ignore.
    pub losing: u64,
    /// Those members, and in how many rows.
    pub lost: BTreeMap<String, u64>,
    /// Rows that the provider cannot serve.
    pub unfit: u64,
    /// The features that it cannot serve, and in how many rows.
    pub unfit_because: BTreeMap<String, u64>,
    /// Models in the log for which no model of the provider is named, and in how many rows.
    pub unmapped: BTreeMap<String, u64>,
    /// Expected cost of the rows that it can serve, nano-dollars: prompts by the log or estimated, completions by the
    /// log; what the log does not tell is not in it.
    pub cost_nanos_expected: i64,
    /// What a cap would set aside for them in all, nano-dollars: long prompts, and completions as long as they may be.
    pub cost_nanos_at_most: i64,
    /// Rows whose model has no price; they are in neither cost.
    pub unpriced_rows: u64,
}

impl ArmPreview {
    /// The expected cost, if it is that of all rows.
    pub(super) fn cost_if_all_priced(&self) -> Option<i64> {
        (self.unpriced_rows == 0).then_some(self.cost_nanos_expected)
    }
}

/// Counts rows for one arm.
pub(super) struct ArmCount<'a> {
    arm: Arm,
    options: &'a ReplayOptions,
    provider: Provider,
    policy: Policy,
    tariffs: &'a Tariffs,
    now_us: i64,
    pub(super) preview: ArmPreview,
}

impl<'a> ArmCount<'a> {
    pub(super) fn new(arm: Arm, options: &'a ReplayOptions, tariffs: &'a Tariffs, now_us: i64) -> Self {
        let provider = options.provider(arm);
        let preview = ArmPreview { provider: provider.name().to_owned(), ..ArmPreview::default() };
        Self { arm, options, provider, policy: Policy::default(), tariffs, now_us, preview }
    }

    /// Counts a row.
    ///
    /// # Errors
    /// The feature that the provider cannot serve; the row is counted under it.
    pub(super) fn see(
        &mut self,
        request: &Request<'_>,
        prompt: &Tally,
        recorded: Option<Usage>,
    ) -> Result<(), &'static str> {
        let model = self.options.model(self.arm, &request.model);
        if self.provider == Provider::DeepSeek && !model.starts_with("deepseek") {
            add_name(&mut self.preview.unmapped, &request.model);
        }
        let rewritten = match self.provider.adapter().rewrite(request, &Target::new(model, &self.policy)) {
            Ok(rewritten) => rewritten,
            Err(unfit) => {
                self.preview.unfit += 1;
                *self.preview.unfit_because.entry(unfit.feature.to_owned()).or_default() += 1;
                return Err(unfit.feature);
            }
        };
        if !rewritten.dropped.is_empty() {
            self.preview.losing += 1;
            for member in rewritten.dropped {
                *self.preview.lost.entry(member.to_owned()).or_default() += 1;
            }
        } else if is_same(request, &rewritten.body) {
            self.preview.same += 1;
        } else {
            self.preview.rewritten += 1;
        }
        self.price(model, request, (prompt, &rewritten.body), recorded);
        Ok(())
    }

    fn price(&mut self, model: &str, request: &Request<'_>, (prompt, body): (&Tally, &[u8]), recorded: Option<Usage>) {
        let prompt = prompt.tokens(self.provider.name(), model);
        let expected = recorded.unwrap_or(Usage::new(prompt, 0, UsageSource::Estimate));
        let completion = Completion {
            allowed: request.completion_max(),
            choices: request.choices(),
            recorded: recorded.map(|usage| usage.completion),
            tier: request.tier(),
        };
        let priced = self.tariffs.price(&Call::new(self.provider.name(), model, self.now_us), &expected);
        let at_most = budget::estimate(self.tariffs, self.provider, model, self.now_us, body, completion);
        match priced.zip(at_most) {
            Some((priced, at_most)) => {
                let preview = &mut self.preview;
                preview.cost_nanos_expected = preview.cost_nanos_expected.saturating_add(priced.nanos);
                // A recorded prompt may be longer than the estimate.
                preview.cost_nanos_at_most = preview.cost_nanos_at_most.saturating_add(at_most.max(priced.nanos));
            }
            None => self.preview.unpriced_rows += 1,
        }
    }
}

/// Whether the rewritten body differs in the model's name at most.
fn is_same(request: &Request<'_>, body: &[u8]) -> bool {
    let Some(sent) = std::str::from_utf8(body).ok().and_then(|text| Object::parse(text.as_bytes()).ok()) else {
        return false;
    };
    let rest = |(name, value): (&str, &serde_json::value::RawValue)| {
        (name != "model").then(|| (name.to_owned(), value.get().to_owned()))
    };
    sent.members().filter_map(rest).eq(request.object.members().filter_map(rest))
}
