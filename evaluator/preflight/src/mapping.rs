//! Which model would answer for which.

use crate::document::Mapped;
use crate::route::{Chosen, Route};
use crate::text;
use std::collections::HashMap;
use std::sync::Arc;

/// Models that are told apart; the rest is counted as one.
const MODELS_MAX: usize = 1000;

/// Model of the log, and the candidate's for it; absent where it stays.
type Pair = (String, Option<Arc<str>>);

#[derive(Debug, Default)]
pub(crate) struct Mapping {
    /// Who chose it, and the requests.
    models: HashMap<Pair, (Option<Chosen>, u64)>,
    other: u64,
}

impl Mapping {
    pub(crate) fn add(&mut self, model: &str, route: &Route) {
        let (to, chosen) = match route {
            Route::To(to, chosen) => (Some(Arc::clone(to)), Some(*chosen)),
            Route::Outside => (None, None),
        };
        let key = (text::name(model), to);
        if let Some((_, count)) = self.models.get_mut(&key) {
            *count += 1;
        } else if self.models.len() < MODELS_MAX {
            self.models.insert(key, (chosen, 1));
        } else {
            self.other += 1;
        }
    }

    /// Most asked first.
    pub(crate) fn finish(self) -> Vec<Mapped> {
        let mut models: Vec<Mapped> = self
            .models
            .into_iter()
            .map(|((from, to), (chosen, requests))| Mapped { from, to: to.map(|to| to.to_string()), chosen, requests })
            .collect();
        models.sort_by(|a, b| (b.requests, &a.from, &a.to).cmp(&(a.requests, &b.from, &b.to)));
        if self.other > 0 {
            models.push(Mapped { from: "other".to_owned(), to: None, chosen: None, requests: self.other });
        }
        models
    }
}
