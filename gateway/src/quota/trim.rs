//! The most output that a request may ask for: refused or lowered, so that what is set aside is never too little.

use super::ask::Ask;
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
        let members = self.errand.endpoint.bounds();
        let (Some(first), false) = (members.first(), self.rules.is_empty()) else { return Ok(None) };
        let bounded = self.matching().filter_map(|rule| Some((rule.output_tokens_max?, rule)));
        let Some((most, rule)) = bounded.min_by_key(|(most, rule)| (*most, rule.beyond != Beyond::Refuse)) else {
            return Ok(None);
        };
        let each = most / self.request.choices();
        let bound = self.request.bound();
        // What some providers take for no bound is none.
        let asked = bound.clear();
        if asked.is_some_and(|asked| asked <= each) {
            return Ok(None);
        }
        if rule.beyond == Beyond::Refuse || each == 0 {
            let found = match asked {
                Some(asked) => format!("is {asked}"),
                None if bound.unclear => "is no number above 0".to_owned(),
                None => "is missing".to_owned(),
            };
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
            let asked = object.read::<u64>(name).filter(|asked| *asked > 0);
            object.set_value(name, &asked.unwrap_or(u64::MAX).min(each));
        }
        Ok(Some(Bytes::from(object.to_bytes())))
    }
}
