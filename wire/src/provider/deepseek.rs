//! DeepSeek: everything it does differently, and nothing else (API state of November 2026).
//!
//! Requests follow two matrices, one for chat completions and one for responses; it has no other endpoint of ours.
//! Answers lose their reasoning text unless the client may see it, get ids in OpenAI's form, and report usage in the
//! shape that the client asked for.

mod chat;
mod errors;
pub(super) mod format;
mod members;
mod responses;
mod thinking;
pub(super) mod tools;

use super::answer::{self, Manners};
use super::draft::Draft;
use super::matrix::{self, Row};
use super::{Adapter, ClientError, Edit, Rewritten, Target, Unfit, View};
use crate::endpoint::Endpoint;
use crate::request::Request;

/// The adapter.
#[derive(Debug, Clone, Copy)]
pub struct DeepSeek;

const MANNERS: Manners =
    Manners { id_prefix: "chatcmpl-", reasons: true, failures: &["insufficient_system_resource", "aborted"] };

impl Adapter for DeepSeek {
    fn path(&self, endpoint: Endpoint) -> Option<&'static str> {
        match endpoint {
            Endpoint::Chat | Endpoint::Responses => Some(endpoint.path_below_version()),
            Endpoint::Completions | Endpoint::Embeddings | Endpoint::Moderations => None,
        }
    }

    fn matrix(&self, endpoint: Endpoint) -> &'static [Row] {
        match endpoint {
            Endpoint::Chat => chat::TABLE,
            Endpoint::Responses => responses::TABLE,
            Endpoint::Completions | Endpoint::Embeddings | Endpoint::Moderations => &[],
        }
    }

    fn obstacle(&self, request: &Request<'_>) -> Option<&'static Row> {
        if self.path(request.endpoint).is_none() {
            return matrix::absent(request.endpoint);
        }
        let stored = request.endpoint == Endpoint::Responses && !request.object.has("store");
        stored.then_some(&responses::STORED)
    }

    fn rewrite(&self, request: &Request<'_>, target: &Target<'_>) -> Result<Rewritten, Unfit> {
        if let Some(row) = self.obstacle(request) {
            return Err(Unfit { feature: row.feature });
        }
        let mut draft = Draft::new(self.matrix(request.endpoint), request, target)?;
        match request.endpoint {
            Endpoint::Responses => responses::settle(&mut draft),
            _ => thinking::settle(&mut draft),
        }
        Ok(draft.finish())
    }

    /// Usage rides on the finish chunk here, whatever the client asked for.
    fn edit(&self, endpoint: Endpoint, data: &str, view: &View<'_>) -> Edit {
        match endpoint {
            Endpoint::Responses => answer::edit_response(data, view),
            _ => answer::edit(data, view, MANNERS, &errors::hidden),
        }
    }

    fn edits_whole(&self, _endpoint: Endpoint) -> bool {
        true
    }

    fn edit_whole(&self, endpoint: Endpoint, body: &[u8], view: &View<'_>) -> Result<Option<Vec<u8>>, ClientError> {
        // A response has no choices and an id of its own form.
        let manners = if endpoint == Endpoint::Responses { Manners { id_prefix: "", ..MANNERS } } else { MANNERS };
        answer::edit_whole(body, view, manners, &errors::hidden)
    }

    fn error(&self, status: u16, body: &[u8]) -> ClientError {
        errors::error(status, body)
    }
}

#[cfg(test)]
mod tests;
