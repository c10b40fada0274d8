//! Any server that speaks OpenAI's API: so far its own requests and answers, with another model's name.

use super::openai::OpenAi;
use super::{Adapter, ClientError, Edit, Rewritten, Target, Unfit, View, standard_error};
use crate::endpoint::Endpoint;
use crate::request::Request;

/// The adapter.
#[derive(Debug, Clone, Copy)]
pub struct Compatible;

impl Adapter for Compatible {
    fn path(&self, endpoint: Endpoint) -> Option<&'static str> {
        match endpoint {
            Endpoint::Chat | Endpoint::Completions | Endpoint::Embeddings => Some(endpoint.path_below_version()),
            Endpoint::Responses | Endpoint::Moderations => None,
        }
    }

    fn rewrite(&self, request: &Request<'_>, target: &Target<'_>) -> Result<Rewritten, Unfit> {
        OpenAi.rewrite(request, target)
    }

    fn edits_whole(&self, _endpoint: Endpoint) -> bool {
        false
    }

    fn edit(&self, endpoint: Endpoint, data: &str, view: &View<'_>) -> Edit {
        OpenAi.edit(endpoint, data, view)
    }

    fn edit_whole(&self, _endpoint: Endpoint, _body: &[u8], _view: &View<'_>) -> Result<Option<Vec<u8>>, ClientError> {
        Ok(None)
    }

    fn error(&self, status: u16, body: &[u8]) -> ClientError {
        standard_error(status, body)
    }
}
