//! Takes content out of records.
//!
//! Exchange records lose their answers (`hashed`), and their digests too (`none`): content never comes back. Request logs
//! hold what is played and so keep their bodies; credentials and personal data are taken out of them and of the recorded
//! answers, and with `none` the answers themselves.

use crate::digest;
use crate::header::{Format, Header, Redaction};
use crate::redact::{Counts, Redactor};
use crate::{Exchange, LoggedRequest};

/// How content is taken out.
#[derive(Debug, Clone)]
pub struct ContentRedaction {
    /// How content is kept afterwards.
    pub mode: Redaction,
    /// Salt of digests, where answers are to have some.
    pub salt: String,
    /// What is taken out of prompts and answers of request logs.
    pub redactor: Redactor,
}

/// What was taken out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redacted {
    /// Records that were looked at.
    pub records: u64,
    /// Answers.
    pub answers: u64,
    /// Digests of answers and of calls of tools.
    pub digests: u64,
    /// Credentials and personal data, by kind.
    pub found: Counts,
}

impl ContentRedaction {
    /// The header of the file without the content. One that keeps less already stays as it is, and so does that of a
    /// request log, which holds its bodies.
    #[must_use]
    pub fn header(&self, header: &Header) -> Header {
        if header.format != Format::Exchanges {
            return header.clone();
        }
        let kept = |mode: Redaction| match mode {
            Redaction::Full => 2,
            Redaction::Hashed => 1,
            Redaction::None => 0,
        };
        let mode = if kept(header.redaction) < kept(self.mode) { header.redaction } else { self.mode };
        Header { redaction: mode, ..header.clone() }
    }

    /// Takes content out of an exchange.
    pub fn exchange(&self, row: &mut Exchange, done: &mut Redacted) {
        done.records += 1;
        if self.mode == Redaction::Full {
            return;
        }
        if let Some(answer) = row.answer.take() {
            done.answers += 1;
            // A failed exchange has no digest.
            if row.answer_digest.is_none() && row.error.is_none() {
                row.answer_digest = Some(digest::content(&self.salt, &answer));
            }
        }
        if self.mode == Redaction::None {
            let digests = [row.answer_digest.take(), row.tools_digest.take()];
            done.digests += digests.iter().flatten().count() as u64;
        }
    }

    /// Takes content out of a logged request.
    pub fn request(&self, row: &mut LoggedRequest, done: &mut Redacted) {
        done.records += 1;
        if let Some(body) = self.redactor.json(&row.body, &mut done.found) {
            row.body = body;
        }
        for name in [&mut row.consumer, &mut row.session] {
            if let Some(clean) = name.as_deref().and_then(|name| self.redactor.text(name, &mut done.found)) {
                *name = Some(clean);
            }
        }
        if let Some(id) = self.redactor.text(&row.id, &mut done.found) {
            row.id = id;
        }
        let Some(recorded) = &mut row.recorded else { return };
        if self.mode == Redaction::None {
            done.answers += u64::from(recorded.answer.take().is_some());
            recorded.tools.clear();
            return;
        }
        if let Some(answer) = recorded.answer.as_deref().and_then(|text| self.redactor.text(text, &mut done.found)) {
            recorded.answer = Some(answer);
        }
        for (_, arguments) in &mut recorded.tools {
            self.redactor.value(arguments, &mut done.found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LoggedRequest;
    use crate::formats::{full_exchange, full_request};

    fn redaction(mode: Redaction) -> ContentRedaction {
        ContentRedaction { mode, salt: "s".into(), redactor: Redactor::default() }
    }

    #[test]
    fn answers_become_digests_and_then_nothing() {
        let answered = Exchange { error: None, answer_digest: None, ..full_exchange() };
        let mut done = Redacted::default();
        let mut hashed = answered.clone();
        redaction(Redaction::Hashed).exchange(&mut hashed, &mut done);
        assert_eq!((hashed.answer.as_deref(), hashed.answer_digest), (None, Some(digest::content("s", "a"))));
        assert_eq!(hashed.tools_digest.as_deref(), Some("t"));
        let mut none = answered.clone();
        redaction(Redaction::None).exchange(&mut none, &mut done);
        assert_eq!((none.answer, none.answer_digest, none.tools_digest), (None, None, None));
        let mut kept = Exchange { answer_digest: Some("of another salt".into()), ..answered.clone() };
        redaction(Redaction::Hashed).exchange(&mut kept, &mut done);
        assert_eq!(kept.answer_digest.as_deref(), Some("of another salt"));
        assert_eq!((done.records, done.answers, done.digests), (3, 3, 2));
        let header = Header::new(Format::Exchanges, Redaction::None);
        assert_eq!(redaction(Redaction::Hashed).header(&header).redaction, Redaction::None, "nothing comes back");
    }

    #[test]
    fn request_logs_lose_secrets_and_with_none_their_answers() {
        let text = r#"{"messages":[{"role":"user","content":"Write to anna.bell@example.com"}]}"#;
        let body = serde_json::value::RawValue::from_string(text.to_owned()).unwrap();
        let mut request = LoggedRequest { body, ..full_request() };
        if let Some(recorded) = &mut request.recorded {
            recorded.answer = Some("Mail anna.bell@example.com".into());
        }
        let mut done = Redacted::default();
        let mut full = request.clone();
        redaction(Redaction::Full).request(&mut full, &mut done);
        let answer = full.recorded.unwrap().answer.unwrap();
        assert!(
            !full.body.get().contains("anna") && !answer.contains("anna") && answer.starts_with("Mail ["),
            "{answer}"
        );
        assert_eq!(done.found.values().sum::<u64>(), 2);
        redaction(Redaction::None).request(&mut request, &mut done);
        let recorded = request.recorded.unwrap();
        assert!(recorded.answer.is_none() && recorded.tools.is_empty() && done.answers == 1);
    }
}
