//! The larger tables of a policy, read from the layers.

use std::collections::BTreeMap;

use super::layer::Layers;
use super::{DEFAULT_LABEL, Levels, Looks, Margin, Margins, PolicyError, Segments, WeightPolicy};
use crate::metric::{Latency, Quantile, Share};

pub(super) fn levels(layers: &Layers) -> Result<Levels, PolicyError> {
    Ok(Levels {
        alpha_go: layers.number_below("levels.alpha_go", 1e-6, 0.5)?,
        alpha_nogo: layers.number("levels.alpha_nogo", 1e-9, 0.5)?,
        beta: layers.number_below("levels.beta", 1e-6, 0.5)?,
        looks: layers.one_of("levels.looks", &[("any", Looks::Any), ("one", Looks::One)])?,
        planned_starts: layers.count("levels.planned_starts", 1)?,
    })
}

/// Fields that make segments.
const SEGMENT_FIELDS: [&str; 6] = ["model", "endpoint", "consumer", "streamed", "prompt_length", "language"];

pub(super) fn segments(layers: &Layers) -> Result<Segments, PolicyError> {
    let known = |field: &str| SEGMENT_FIELDS.contains(&field);
    let by = layers.texts("segments.by", &format!("fields among {}", SEGMENT_FIELDS.join(", ")), known)?;
    let critical =
        layers.texts("segments.critical", "segments such as \"model=gpt-4o\", of a field named in `by`", |text| {
            text.split_once('=')
                .is_some_and(|(field, value)| by.iter().any(|known| known == field) && !value.is_empty())
        })?;
    Ok(Segments { by, critical, max: layers.count("segments.max", 0)? })
}

pub(super) fn weight(layers: &Layers) -> Result<WeightPolicy, PolicyError> {
    Ok(WeightPolicy {
        ladder_percent: layers.ladder("weight.ladder_percent")?,
        max_percent: layers.number("weight.max_percent", 0.0, 100.0)?,
        full_weight_needs_percent: layers.number("weight.full_weight_needs_percent", 0.0, 100.0)?,
        hold_climbs_to_percent: layers.number("weight.hold_climbs_to_percent", 0.0, 50.0)?,
        harm_budget_requests: layers.number("weight.harm_budget_requests", 0.0, 1e12)?,
        requests_per_step: layers.number("weight.requests_per_step", 1.0, 1e12)?,
        risk_share: layers.number("weight.risk_share", 0.0, 1.0)?,
        smallest_excess: layers.number("weight.smallest_excess", 1e-9, 1.0)?,
        reaction_minutes: layers.number("weight.reaction_minutes", 1e-6, 1e6)?,
        worst_excess: layers.number("weight.worst_excess", 1e-9, 1.0)?,
        soak_hours: layers.number("weight.soak_hours", 1e-6, 1e6)?,
    })
}

pub(super) fn margins(layers: &Layers) -> Result<Margins, PolicyError> {
    let flag = |name: &str| layers.flag(&format!("guardrails.{name}.enabled"));
    let points = |name: &str| -> Result<Margin, PolicyError> {
        let value = layers.number(&format!("guardrails.{name}.margin_points"), 1e-6, 100.0)?;
        Ok(Margin { enabled: flag(name)?, value })
    };
    let ratio = |name: &str, smallest: f64| -> Result<Margin, PolicyError> {
        let value = layers.number(&format!("guardrails.{name}.margin_ratio"), smallest, 100.0)?;
        Ok(Margin { enabled: flag(name)?, value })
    };
    let limit_us = |name: &str| -> Result<u64, PolicyError> {
        Ok((layers.number(&format!("guardrails.{name}.limit_ms"), 0.001, 1e9)? * 1e3).round() as u64)
    };
    let mut shares = [Margin { enabled: false, value: 0.0 }; Share::COUNT];
    for share in Share::ALL {
        shares[share.slot()] = points(share.name())?;
    }
    let mut latency = [[None; 3]; 3];
    for metric in Latency::ALL {
        for quantile in Quantile::ALL {
            // A 99th percentile of per-request means rarely leads to any action.
            if (metric, quantile) != (Latency::InterToken, Quantile::P99) {
                let name = format!("{}_{}", metric.name(), quantile.name());
                latency[metric.slot()][quantile.slot()] = Some(ratio(&name, 0.01)?);
            }
        }
    }
    Ok(Margins {
        shares,
        fewer_guard_flags_points: layers.number("guardrails.guard_flags.fewer_margin_points", 1e-6, 100.0)?,
        latency,
        errors_reference_percent: layers.number_if_named("guardrails.errors.reference_error_percent", 0.0, 100.0)?,
        slow_ttft_us: limit_us("slow_ttft")?,
        slow_duration_us: limit_us("slow_duration")?,
        cost: ratio("cost", 0.01)?,
        quality: points("quality")?,
        answer_chars_range: [
            layers.number("watch.output_tokens_ratio_low", 0.0, 1.0)?,
            layers.number("watch.output_tokens_ratio_high", 1.0, 1e6)?,
        ],
    })
}

pub(super) fn labels(layers: &Layers) -> Result<BTreeMap<String, Margin>, PolicyError> {
    let default = Margin {
        enabled: layers.flag("labels.default.enabled")?,
        value: layers.number("labels.default.margin_points", 1e-6, 100.0)?,
    };
    let mut margins = BTreeMap::from([(DEFAULT_LABEL.to_owned(), default)]);
    for name in layers.names_below("labels") {
        let value = layers.number_if_named(&format!("labels.{name}.margin_points"), 1e-6, 100.0)?;
        let enabled = layers.flag_if_named(&format!("labels.{name}.enabled"))?;
        margins.insert(name, Margin { enabled: enabled.unwrap_or(true), value: value.unwrap_or(default.value) });
    }
    Ok(margins)
}
