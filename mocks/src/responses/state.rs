//! Responses that later turns may go on from.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::request::Message;

/// Responses remembered; beyond it the oldest is forgotten.
const RESPONSES_MAX: usize = 1024;

/// The responses of one mock.
#[derive(Debug, Default)]
pub(crate) struct Responses {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    kept: HashMap<String, Arc<Kept>>,
    order: VecDeque<String>,
}

/// One response and the conversation that ends with it.
#[derive(Debug)]
pub(crate) struct Kept {
    /// All messages so far, without the instructions, which hold for one turn only.
    pub(crate) conversation: Vec<Message>,
    /// JSON, as it was answered.
    pub(crate) body: String,
}

impl Responses {
    pub(crate) fn get(&self, id: &str) -> Option<Arc<Kept>> {
        self.lock().kept.get(id).map(Arc::clone)
    }

    pub(crate) fn keep(&self, id: String, kept: Kept) {
        let mut state = self.lock();
        if state.kept.insert(id.clone(), Arc::new(kept)).is_none() {
            state.order.push_back(id);
        }
        if state.order.len() > RESPONSES_MAX
            && let Some(oldest) = state.order.pop_front()
        {
            state.kept.remove(&oldest);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere cannot leave the state half changed in a way that matters.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_response_is_forgotten_first() {
        let responses = Responses::default();
        let kept = || Kept { conversation: Vec::new(), body: String::new() };
        (0..=RESPONSES_MAX).for_each(|index| responses.keep(format!("resp_{index}"), kept()));
        assert!(responses.get("resp_0").is_none());
        assert!(responses.get("resp_1").is_some() && responses.get(&format!("resp_{RESPONSES_MAX}")).is_some());
    }
}
