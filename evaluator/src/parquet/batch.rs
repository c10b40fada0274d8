//! A slice of rows as columns of values, and from there to rows.

use super::cells::{Cell, Cells};
use super::columns::COLUMNS;
use super::decode::Decoder;
use super::error::ParquetError;
use super::shared::SharedNames;
use crate::rows::key::Domain;
use crate::rows::{
    EndingId, Fields, GuardSight, MigrationId, NameId, PairKey, RouteId, Row, guard_text, hash32, hash64,
};
use datasets::{Arm, AssignedBy, Endpoint, FromLog, Guarded, Moderation, Role, ShadowFate};
use polars_arrow::array::Array;
use serde::de::value::Error as Unknown;
use serde::de::{DeserializeOwned, IntoDeserializer};
use std::num::{NonZeroU32, NonZeroU64};
use std::ops::Range;
use wire::price::Tier;
use wire::{ErrorKind, Usage, UsageSource};

/// The values of some rows of one row group.
pub(super) struct Batch {
    pair: Cells<PairKey>,
    arm: Cells<Arm>,
    role: Cells<Role>,
    endpoint: Cells<Endpoint>,
    migration: Cells<MigrationId>,
    epoch: Cells<i64>,
    weight_bp: Cells<i64>,
    request: Cells<NonZeroU64>,
    unit: Cells<NonZeroU64>,
    consumer: Cells<NameId>,
    assigned_by: Cells<AssignedBy>,
    assigned_bp: Cells<i64>,
    shadow_bp: Cells<i64>,
    provider: Cells<NameId>,
    model: Cells<NameId>,
    model_answered: Cells<NameId>,
    streamed: Cells<bool>,
    at_us: Cells<i64>,
    sent_us: Cells<i64>,
    first_event_us: Cells<i64>,
    ttft_us: Cells<i64>,
    first_visible_us: Cells<i64>,
    duration_us: Cells<i64>,
    status: Cells<i64>,
    attempts: Cells<i64>,
    error: Cells<ErrorKind>,
    finish_reason: Cells<NameId>,
    form_failure: Cells<NameId>,
    moderation: Cells<Moderation>,
    refused: Cells<bool>,
    guard: Cells<Option<(GuardSight, NameId)>>,
    structured: Cells<bool>,
    usage_prompt: Cells<i64>,
    usage_completion: Cells<i64>,
    usage_cached: Cells<i64>,
    usage_cache_write: Cells<i64>,
    usage_prompt_audio: Cells<i64>,
    usage_prompt_image: Cells<i64>,
    usage_reasoning: Cells<i64>,
    usage_completion_audio: Cells<i64>,
    usage_source: Cells<UsageSource>,
    tier: Cells<Tier>,
    cost_nanos: Cells<i64>,
    prompt_chars: Cells<i64>,
    prompt_wide_chars: Cells<i64>,
    answer_chars: Cells<i64>,
    answer_digest: Cells<NonZeroU64>,
    tools_digest: Cells<NonZeroU32>,
    quality: Cells<f64>,
    shadow: Cells<ShadowFate>,
    recorded: Cells<FromLog>,
}

/// Why a row is none.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) column: &'static str,
    pub(super) message: String,
    /// Its arm, if that can be told.
    pub(super) arm: Option<Arm>,
}

/// The columns of some rows of one row group, decoded but not looked at.
pub(super) struct Columns {
    arrays: Vec<(&'static str, Vec<Box<dyn Array>>)>,
}

/// Some of these rows.
struct Slice<'a> {
    columns: &'a Columns,
    rows: &'a Range<usize>,
}

impl Columns {
    /// Decodes rows of a row group.
    pub(super) fn decode(decoder: &mut Decoder<'_>, group: usize, rows: &Range<usize>) -> Result<Self, ParquetError> {
        let mut arrays = Vec::new();
        for column in COLUMNS {
            if let Some(decoded) = decoder.column(group, column.name, rows)? {
                arrays.push((column.name, decoded));
            }
        }
        Ok(Self { arrays })
    }
}

impl Slice<'_> {
    fn arrays(&self, name: &'static str) -> Option<Vec<Box<dyn Array>>> {
        let (_, arrays) = self.columns.arrays.iter().find(|(column, _)| *column == name)?;
        let mut before = 0;
        let mut slices = Vec::new();
        for array in arrays {
            let start = self.rows.start.max(before);
            let end = self.rows.end.min(before + array.len());
            if start < end {
                slices.push(array.sliced(start - before, end - start));
            }
            before += array.len();
        }
        Some(slices)
    }

    fn whole(&self, name: &'static str) -> Cells<i64> {
        Cells::of_whole(name, self.arrays(name))
    }

    fn flag(&self, name: &'static str) -> Cells<bool> {
        Cells::of_flags(name, self.arrays(name))
    }

    fn hash(&self, name: &'static str, domain: Domain) -> Cells<NonZeroU64> {
        Cells::of_texts(name, self.arrays(name), |text| hash64(domain, text))
    }

    fn name(&self, name: &'static str, names: &mut SharedNames<'_>) -> Cells<NameId> {
        Cells::of_few(name, self.arrays(name), |text| Ok::<_, Unknown>(names.text(text)))
    }

    /// Verdicts of the guard, each in its one form.
    fn guard(&self, name: &'static str, names: &mut SharedNames<'_>) -> Cells<Option<(GuardSight, NameId)>> {
        Cells::of_few(name, self.arrays(name), |text| {
            let guard: Guarded = serde_json::from_str(text)?;
            let there = !guard.is_empty();
            Ok::<_, serde_json::Error>(there.then(|| (GuardSight::of(&guard), names.text(&guard_text(&guard)))))
        })
    }

    /// A closed list, by the names that the record format gives them.
    fn listed<T: DeserializeOwned + Copy>(&self, name: &'static str) -> Cells<T> {
        Cells::of_few(name, self.arrays(name), |text| {
            T::deserialize(IntoDeserializer::<Unknown>::into_deserializer(text))
        })
    }
}

impl Batch {
    /// The values of some of the decoded rows.
    pub(super) fn of(columns: &Columns, rows: &Range<usize>, names: &mut SharedNames<'_>) -> Self {
        let columns = Slice { columns, rows };
        Self {
            pair: Cells::of_texts("pair", columns.arrays("pair"), PairKey::of),
            arm: columns.listed("arm"),
            role: columns.listed("role"),
            endpoint: columns.listed("endpoint"),
            migration: Cells::of_few("migration", columns.arrays("migration"), |text| {
                Ok::<_, Unknown>(names.lock().intern_migration(text))
            }),
            epoch: columns.whole("epoch"),
            weight_bp: columns.whole("weight_bp"),
            request: columns.hash("request", Domain::Request),
            unit: columns.hash("unit", Domain::Unit),
            consumer: columns.name("consumer", names),
            assigned_by: columns.listed("assigned_by"),
            assigned_bp: columns.whole("assigned_bp"),
            shadow_bp: columns.whole("shadow_bp"),
            provider: columns.name("provider", names),
            model: columns.name("model", names),
            model_answered: columns.name("model_answered", names),
            streamed: columns.flag("streamed"),
            at_us: columns.whole("at_us"),
            sent_us: columns.whole("sent_us"),
            first_event_us: columns.whole("first_event_us"),
            ttft_us: columns.whole("ttft_us"),
            first_visible_us: columns.whole("first_visible_us"),
            duration_us: columns.whole("duration_us"),
            status: columns.whole("status"),
            attempts: columns.whole("attempts"),
            error: columns.listed("error"),
            finish_reason: columns.name("finish_reason", names),
            form_failure: columns.name("form_failure", names),
            moderation: columns.listed("moderation"),
            refused: columns.flag("refused"),
            guard: columns.guard("guard", names),
            structured: columns.flag("structured"),
            usage_prompt: columns.whole("usage_prompt"),
            usage_completion: columns.whole("usage_completion"),
            usage_cached: columns.whole("usage_cached"),
            usage_cache_write: columns.whole("usage_cache_write"),
            usage_prompt_audio: columns.whole("usage_prompt_audio"),
            usage_prompt_image: columns.whole("usage_prompt_image"),
            usage_reasoning: columns.whole("usage_reasoning"),
            usage_completion_audio: columns.whole("usage_completion_audio"),
            usage_source: columns.listed("usage_source"),
            tier: columns.listed("tier"),
            cost_nanos: columns.whole("cost_nanos"),
            prompt_chars: columns.whole("prompt_chars"),
            prompt_wide_chars: columns.whole("prompt_wide_chars"),
            answer_chars: columns.whole("answer_chars"),
            answer_digest: columns.hash("answer_digest", Domain::Answer),
            tools_digest: Cells::of_texts("tools_digest", columns.arrays("tools_digest"), |text| {
                hash32(Domain::Tools, text)
            }),
            quality: Cells::of_real("quality", columns.arrays("quality")),
            shadow: columns.listed("shadow"),
            recorded: columns.listed("recorded"),
        }
    }

    /// One row.
    ///
    /// # Errors
    /// A value is missing, or is one that no record can have.
    pub(super) fn row(&self, row: usize, names: &mut SharedNames<'_>) -> Result<Row, Wrong> {
        self.fields(row, names).map(|fields| Row::packed(&fields)).map_err(|(column, message)| Wrong {
            column,
            message,
            arm: self.arm.at(row).value(),
        })
    }

    fn fields(&self, row: usize, names: &mut SharedNames<'_>) -> Result<Fields, Refusal> {
        Ok(Fields {
            pair: self.pair.required(row)?,
            arm: self.arm.required(row)?,
            role: self.role.required(row)?,
            endpoint: self.endpoint.optional(row)?.unwrap_or(Endpoint::Chat),
            migration: self.migration.required(row)?,
            epoch: self.epoch.count(row)?,
            weight_bp: self.weight_bp.count(row)?,
            request: self.request.optional(row)?,
            unit: self.unit.optional(row)?,
            consumer: self.consumer.optional(row)?,
            assigned_by: self.assigned_by.optional(row)?,
            assigned_bp: self.assigned_bp.optional_count(row)?,
            shadow_bp: self.shadow_bp.optional_count(row)?,
            route: self.route(row, names)?,
            streamed: self.streamed.required(row)?,
            at_us: self.at_us.required(row)?,
            sent_us: self.sent_us.required(row)?,
            first_event_us: self.first_event_us.optional(row)?,
            ttft_us: self.ttft_us.optional(row)?,
            first_visible_us: self.first_visible_us.optional(row)?,
            duration_us: self.duration_us.required(row)?,
            status: self.status.count(row)?,
            attempts: self.attempts.optional_count(row)?.unwrap_or(1),
            error: self.error.optional(row)?,
            ending: self.ending(row, names)?,
            moderation: self.moderation.optional(row)?,
            refused: self.refused.optional(row)?.unwrap_or(false),
            structured: self.structured.optional(row)?.unwrap_or(false),
            tools: self.tools_digest.optional(row)?,
            answer: self.answer_digest.optional(row)?,
            quality: self.quality.optional(row)?,
            usage: self.usage(row)?,
            tier: self.tier.optional(row)?.unwrap_or_default(),
            cost_nanos: self.cost_nanos.optional(row)?,
            prompt_chars: self.prompt_chars.count(row)?,
            prompt_wide_chars: self.prompt_wide_chars.optional_count(row)?,
            answer_chars: self.answer_chars.count(row)?,
            shadow: self.shadow.optional(row)?,
            recorded: self.recorded.optional(row)?,
        })
    }

    fn route(&self, row: usize, names: &mut SharedNames<'_>) -> Result<RouteId, Refusal> {
        let (provider, model) = (self.provider.required(row)?, self.model.required(row)?);
        Ok(names.route((provider, model, self.model_answered.optional(row)?)))
    }

    fn ending(&self, row: usize, names: &mut SharedNames<'_>) -> Result<EndingId, Refusal> {
        let guard = self.guard.optional(row)?.flatten();
        Ok(names.ending((self.finish_reason.optional(row)?, self.form_failure.optional(row)?, guard)))
    }

    /// Tokens, where any count of them is there; then prompt, completion and source must be.
    fn usage(&self, row: usize) -> Result<Option<Usage>, Refusal> {
        let some = self.usage_prompt.at(row) != Cell::Null
            || self.usage_completion.at(row) != Cell::Null
            || self.usage_source.at(row) != Cell::Null;
        if !some {
            return Ok(None);
        }
        Ok(Some(Usage {
            prompt: self.usage_prompt.count(row)?,
            completion: self.usage_completion.count(row)?,
            cached: self.usage_cached.optional_count(row)?,
            cache_write: self.usage_cache_write.optional_count(row)?,
            prompt_audio: self.usage_prompt_audio.optional_count(row)?,
            prompt_image: self.usage_prompt_image.optional_count(row)?,
            reasoning: self.usage_reasoning.optional_count(row)?,
            completion_audio: self.usage_completion_audio.optional_count(row)?,
            source: self.usage_source.required(row)?,
        }))
    }
}

/// Column and message.
type Refusal = (&'static str, String);

impl<T> Cell<T> {
    fn value(self) -> Option<T> {
        match self {
            Self::Of(value) => Some(value),
            Self::Null | Self::Unknown => None,
        }
    }
}

impl<T: Copy> Cells<T> {
    #[inline]
    fn optional(&self, row: usize) -> Result<Option<T>, Refusal> {
        match self.at(row) {
            Cell::Of(value) => Ok(Some(value)),
            Cell::Null => Ok(None),
            // Of the first refused row it is the first unknown value, and only the first one is told.
            Cell::Unknown => Err((self.name, self.first_unknown.clone().unwrap_or_default())),
        }
    }

    #[inline]
    fn required(&self, row: usize) -> Result<T, Refusal> {
        self.optional(row)?.ok_or_else(|| (self.name, "null, expected a value in every row".to_owned()))
    }
}

impl Cells<i64> {
    #[inline]
    fn narrow<N: TryFrom<i64>>(&self, value: i64) -> Result<N, Refusal> {
        let most = size_of::<N>() * 8;
        N::try_from(value)
            .map_err(|_| (self.name, format!("{value}, expected a whole number of 0 or more in {most} bits")))
    }

    #[inline]
    fn count<N: TryFrom<i64>>(&self, row: usize) -> Result<N, Refusal> {
        self.narrow(self.required(row)?)
    }

    #[inline]
    fn optional_count<N: TryFrom<i64>>(&self, row: usize) -> Result<Option<N>, Refusal> {
        self.optional(row)?.map(|value| self.narrow(value)).transpose()
    }
}
