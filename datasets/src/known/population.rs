//! Who asks: consumers with their sizes, effects and conversations. Memory grows with the consumers, never with the
//! requests.

use super::draws::{Draws, mixed};
use super::profile::{AssignBy, Consumers};

/// Streams of draws, so that one change in a profile moves as little else as possible.
const EFFECTS: u64 = 1;

/// One consumer.
#[derive(Debug, Clone)]
pub(super) struct Consumer {
    /// Its share of the requests.
    pub(super) share: f64,
    /// Factor on the error share, of both arms.
    pub(super) error_factor: f64,
    /// Factor on all times, by arm: baseline, candidate.
    pub(super) latency_factor: [f64; 2],
    /// Name in the records.
    pub(super) name: String,
    conversations: u64,
}

/// All consumers.
#[derive(Debug)]
pub(super) struct Population {
    consumers: Vec<Consumer>,
    /// Sum of the shares up to and with each.
    up_to: Vec<f64>,
    seed: u64,
    assign_by: AssignBy,
    /// Probability that a request is the last of its conversation.
    ends: f64,
}

impl Population {
    pub(super) fn new(profile: &Consumers, seed: u64) -> Self {
        let mut draws = Draws::new(seed, EFFECTS);
        let sizes: Vec<f64> = (1..=profile.count).map(|rank| libm::pow(rank as f64, -profile.zipf)).collect();
        let total: f64 = sizes.iter().sum();
        let mut sum = 0.0;
        let (mut consumers, mut up_to) = (Vec::with_capacity(sizes.len()), Vec::with_capacity(sizes.len()));
        for (number, size) in sizes.iter().enumerate() {
            let error = profile.error_sigma;
            let error_factor = libm::exp(error * draws.normal() - error * error / 2.0);
            let both = libm::exp(profile.latency_sigma * draws.normal());
            let candidate = both * libm::exp(profile.effect_sigma * draws.normal());
            sum += size / total;
            up_to.push(sum);
            consumers.push(Consumer {
                share: size / total,
                error_factor,
                latency_factor: [both, candidate],
                name: format!("consumer-{number:05}"),
                conversations: 0,
            });
        }
        let ends = 1.0 / profile.conversation_requests;
        Self { consumers, up_to, seed: mixed(seed), assign_by: profile.assign_by, ends }
    }

    /// All of them.
    pub(super) fn consumers(&self) -> &[Consumer] {
        &self.consumers
    }

    /// Draws who asks next, and says which unit the request belongs to.
    pub(super) fn draw(&mut self, draws: &mut Draws) -> (usize, u64) {
        let (place, ends) = (draws.uniform(), draws.coin(self.ends));
        let last = self.consumers.len().saturating_sub(1);
        let index = self.up_to.partition_point(|up_to| *up_to <= place).min(last);
        let Some(consumer) = self.consumers.get_mut(index) else { return (index, 0) };
        let conversation = consumer.conversations;
        consumer.conversations += u64::from(ends);
        let number = match self.assign_by {
            AssignBy::Conversation => conversation + 1,
            AssignBy::Consumer => 0,
        };
        (index, mixed(self.seed ^ mixed((index as u64) << 40 | number)))
    }
}
