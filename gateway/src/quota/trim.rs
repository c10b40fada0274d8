//! The most output that a request may ask for: refused or lowered, so that what is set aside is never too little.

use super::ask::Ask;
use super::reckon::{bounds, choices, output_asked};
use crate::config::Beyond;
use crate::problem::Problem;
use bytes::Bytes;
use http::StatusCode;

impl Ask<'_> {
    /// The request's body with a lower bound, if it has to have one.
    ///
    /// # Errors
    /// It asks for more than a rule allows, or names no bound, and the rule refuses such requests.
    pub(crate) fn trimmed(&self) -> Result<Option<Bytes>, Problem> {
        let members = bounds(self.errand.endpoint);
        let (Some(first), false) = (members.first(), self.rules.is_empty()) else { return Ok(None) };
        let bounded = self.matching().filter_map(|rule| Some((rule.output_tokens_max?, rule)));
        let Some((most, rule)) = bounded.min_by_key(|(most, rule)| (*most, rule.beyond != Beyond::Refuse)) else {
            return Ok(None);
        };
        let each = most / choices(self.request);
        let asked = output_asked(self.request);
        if asked.is_some_and(|asked| asked <= each) {
            return Ok(None);
        }
        if rule.beyond == Beyond::Refuse || each == 0 {
            let found = asked.map_or_else(|| "is missing".to_owned(), |asked| format!("is {asked}"));
            let message = format!("`{first}` {found}: limit {} allows {each} for each choice", rule.name);
            let mut problem =
                Problem::new(StatusCode::BAD_REQUEST, "invalid_request_error", Some("max_tokens_limit"), message);
            problem.body.error.param = Some((*first).to_owned());
            return Err(problem);
        }
        let mut object = self.request.object.clone();
        // Whichever the client named goes on with its name; both, if both were there.
        let named: Vec<&str> = members.iter().copied().filter(|name| object.has(name)).collect();
        let names = if named.is_empty() { vec![*first] } else { named };
        for name in names {
            let asked = object.read::<u64>(name).unwrap_or(u64::MAX);
            object.set_value(name, &asked.min(each));
        }
        Ok(Some(Bytes::from(object.to_bytes())))
    }
}
