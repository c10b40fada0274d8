//! Requests one after the other, and the records of each. Memory is constant.

use super::draws::{Draws, mixed};
use super::guard;
use super::leg::{End, Leg, Prompt, Setting, leg, whole};
use super::population::Population;
use super::profile::{DropAs, Profile};
use super::regime::{Cell, Regime, Timetable};
use super::sheet::Sheet;
use crate::{Arm, Exchange, Role, ShadowFate};
use wire::price::Tariffs;

/// Streams of draws. What is asked, when and by whom has its own, and so has each role: whatever the mirror does, the
/// same requests arrive and are served alike.
const REQUESTS: u64 = 2;
const ROLES: [(Role, u64); 3] = [(Role::Served, 3), (Role::Shadow, 4), (Role::Repeat, 5)];
/// Those of the guard: over prompts, and over answers in the order of `ROLES`.
const GUARD_PROMPTS: u64 = 6;
const GUARD_ANSWERS: [u64; 3] = [7, 8, 9];
/// All, in hundredths of a percent.
const ALL_BP: f64 = 10_000.0;

/// A seeded stream of requests with their records.
#[derive(Debug)]
pub struct Generator<'a> {
    profile: &'a Profile,
    population: Population,
    timetable: Timetable<'a>,
    draws: Draws,
    /// In the order of `ROLES`.
    leg_draws: [Draws; 3],
    guard_prompts: Draws,
    /// In the order of `ROLES`.
    guard_answers: [Draws; 3],
    seed: u64,
    at_us: f64,
    number: u64,
    records: u64,
    regime: Regime,
    cells: Vec<Cell>,
    cell: usize,
    sheet: Sheet,
}

impl<'a> Generator<'a> {
    /// The stream of a seed. The same profile and seed give the same records on every platform.
    ///
    /// # Errors
    /// The price table of this version cannot be read: a bug.
    pub fn new(profile: &'a Profile, seed: u64) -> Result<Self, wire::price::TariffError> {
        let start_us = profile.start_us();
        let timetable = Timetable::new(profile, start_us, Tariffs::embedded()?);
        let regime = timetable.at(start_us);
        Ok(Self {
            profile,
            population: Population::new(&profile.consumers, seed),
            timetable,
            draws: Draws::new(seed, REQUESTS),
            leg_draws: ROLES.map(|(_, stream)| Draws::new(seed, stream)),
            guard_prompts: Draws::new(seed, GUARD_PROMPTS),
            guard_answers: GUARD_ANSWERS.map(|stream| Draws::new(seed, stream)),
            seed: mixed(seed),
            at_us: start_us as f64,
            number: 0,
            records: 0,
            cells: vec![Cell::new(&regime)],
            cell: 0,
            regime,
            sheet: Sheet::new(profile),
        })
    }

    /// Makes the next request and shows each of its records: what was served, then its mirrored copy, then the
    /// repetition, as far as there are any.
    ///
    /// # Errors
    /// The first error of `see`.
    pub fn request<E>(&mut self, mut see: impl FnMut(&Exchange) -> Result<(), E>) -> Result<(), E> {
        let at_us = self.arrive();
        let (consumer, unit) = self.population.draw(&mut self.draws);
        let prompt = self.prompt(consumer);
        let weight_bp = self.regime.weight_bp;
        let to_candidate = (mixed(unit) >> 11) as f64 / (1u64 << 53) as f64 * ALL_BP < f64::from(weight_bp);
        let mirror = &self.profile.mirror;
        let copied = self.draws.coin(mirror.share_percent / 100.0);
        let fate = self.fate(&prompt, copied);
        let repeated = self.draws.coin(mirror.repeat);
        let assigned_bp = if to_candidate { weight_bp } else { 10_000 - weight_bp };
        let name = self.population.consumers().get(consumer).map_or("", |consumer| &consumer.name);
        self.sheet.request(&prompt, at_us, [self.seed, unit], name, assigned_bp, &self.regime);
        let arm = if to_candidate { Arm::Candidate } else { Arm::Baseline };
        let shadow = (!to_candidate && mirror.share_percent > 0.0).then_some(fate.0);
        self.record(arm, Role::Served, shadow, &prompt, &mut see)?;
        if shadow == Some(ShadowFate::Sent) && fate.1 {
            self.record(Arm::Candidate, Role::Shadow, None, &prompt, &mut see)?;
            if repeated {
                self.record(Arm::Baseline, Role::Repeat, None, &prompt, &mut see)?;
            }
        }
        Ok(())
    }

    /// Requests made so far.
    #[must_use]
    pub const fn requests(&self) -> u64 {
        self.number
    }

    /// Records shown so far.
    #[must_use]
    pub const fn records(&self) -> u64 {
        self.records
    }

    pub(super) fn cells(&self) -> &[Cell] {
        &self.cells
    }

    pub(super) const fn population(&self) -> &Population {
        &self.population
    }

    /// The next arrival of a Poisson process whose rate is that of the minute.
    fn arrive(&mut self) -> i64 {
        // A gap that crosses into the next minute goes on at that minute's rate, which is exact: the process has no
        // memory.
        let mut left = self.draws.exponential();
        loop {
            let until_us = self.regime.until_us as f64;
            let per_us = self.regime.rate / 3_600e6;
            let reached_us = self.at_us + left / per_us;
            if reached_us < until_us {
                self.at_us = reached_us;
                break;
            }
            left -= (until_us - self.at_us) * per_us;
            self.at_us = until_us;
            self.regime = self.timetable.at(self.regime.until_us);
            let known = self.cells.iter().rposition(|cell| cell.holds(&self.regime));
            self.cell = known.unwrap_or_else(|| {
                self.cells.push(Cell::new(&self.regime));
                self.cells.len() - 1
            });
        }
        if let Some(cell) = self.cells.get_mut(self.cell) {
            cell.requests += 1;
        }
        self.number += 1;
        self.at_us as i64
    }

    fn prompt(&mut self, consumer: usize) -> Prompt {
        let (traffic, prompts) = (&self.profile.traffic, &self.profile.prompts);
        let flagged = self.guard_prompts.coin(self.profile.guard.flags_requests);
        let draws = &mut self.draws;
        let factor = draws.normal();
        let mut prompt = Prompt {
            number: self.number,
            factor,
            chars: whole(traffic.prompt_chars * libm::exp(traffic.prompt_sigma * factor)).max(1),
            wide: draws.coin(traffic.wide_share),
            streamed: draws.coin(traffic.streamed_share),
            structured: draws.coin(traffic.structured_share),
            tool: draws.coin(traffic.tool_share),
            bad: draws.coin(prompts.bad_share),
            failing: draws.coin(prompts.failing_share),
            scored: draws.coin(self.profile.quality.share),
            score: draws.spread(),
            consumer,
            flagged: false,
        };
        prompt.flagged = prompt.bad && flagged;
        prompt
    }

    /// What the served record says of the copy, and whether the copy has a record of its own.
    fn fate(&mut self, prompt: &Prompt, copied: bool) -> (ShadowFate, bool) {
        let mirror = &self.profile.mirror;
        let length = (prompt.chars as f64 - mirror.long_from_chars) / (mirror.long_full_chars - mirror.long_from_chars);
        let (full, lost) = (self.draws.coin(mirror.queue_full), self.draws.coin(mirror.lost));
        let too_long = self.draws.coin(mirror.long_drop * length.clamp(0.0, 1.0));
        if !copied {
            (ShadowFate::NotSampled, false)
        } else if full || (too_long && mirror.long_drop_as == DropAs::QueueFull) {
            (ShadowFate::QueueFull, false)
        } else {
            (ShadowFate::Sent, !lost && !too_long)
        }
    }

    fn record<E>(
        &mut self,
        arm: Arm,
        role: Role,
        shadow: Option<ShadowFate>,
        prompt: &Prompt,
        see: &mut impl FnMut(&Exchange) -> Result<(), E>,
    ) -> Result<(), E> {
        let profile = self.profile;
        let (index, behaviour) = match arm {
            Arm::Baseline => (0, &profile.baseline),
            Arm::Candidate => (1, &profile.candidate),
        };
        let consumer = self.population.consumers().get(prompt.consumer);
        let setting = Setting {
            profile,
            arm: behaviour,
            effects: self.regime.effects[index],
            error_factor: consumer.map_or(1.0, |consumer| consumer.error_factor),
            latency_factor: consumer.map_or(1.0, |consumer| consumer.latency_factor[index]),
            served: role == Role::Served,
        };
        let stream = ROLES.iter().position(|(known, _)| *known == role).unwrap_or_default();
        let draws = &mut self.leg_draws[stream];
        let leg = leg(&setting, prompt, draws);
        let variant = variant(profile, arm, role, prompt, draws);
        let said = guard::verdict(profile, behaviour, prompt, &leg, &mut self.guard_answers[stream]);
        self.records += 1;
        self.sheet.guard(arm, said);
        see(self.sheet.leg(arm, role, shadow, prompt, &leg, variant, self.regime.prices[index].as_ref()))
    }
}

/// Which of all answers it is: 0 is the baseline's own; another arm's or another try's may differ from it.
fn variant(profile: &Profile, arm: Arm, role: Role, prompt: &Prompt, draws: &mut Draws) -> u64 {
    let answers = &profile.answers;
    let (differs, variant) = match (arm, role) {
        (Arm::Candidate, _) if prompt.tool => (answers.candidate_tool_disagreement, 1),
        (Arm::Candidate, _) => (answers.candidate_disagreement, 1),
        (Arm::Baseline, Role::Repeat) if prompt.tool => (answers.repeat_tool_disagreement, 2),
        (Arm::Baseline, Role::Repeat) => (answers.repeat_disagreement, 2),
        (Arm::Baseline, _) => (0.0, 0),
    };
    if draws.coin(differs) { variant } else { 0 }
}

impl Leg {
    /// Whether there is an answer that could be compared.
    pub(super) const fn is_comparable(&self) -> bool {
        matches!(self.end, End::Answered { refused: false, .. })
    }
}
