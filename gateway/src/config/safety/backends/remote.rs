//! The services: `openai`, `aliyun`, `azure` and `guard_model`.

use super::secrets::Source;
use super::{Judge, RawBackend, RawCheck, Severities};
use crate::config::check::{Checker, LIMIT_MAX};
use guard::Level;
use guard::remote::{Action, Aliyun, Azure, AzureCheck, Backend, Cut, GuardModel, OpenAi, Thresholds};
use std::collections::BTreeMap;

/// What is judged twice where a text is cut, characters: longer than any name, address or insult.
const OVERLAP_CHARACTERS: usize = 64;

impl Checker<'_> {
    pub(super) fn openai(&mut self, at: &str, raw: &RawBackend) -> Option<Judge> {
        let url = raw.base_url.as_deref().unwrap_or("https://api.openai.com/v1");
        let key = self.optional_secret(&format!("{at}.api_key"), api_key(raw));
        let thresholds = self.thresholds(at, raw.thresholds.as_ref());
        let cut = self.cut(at, raw, 4000);
        let base_url = trimmed(url);
        let model = raw.model.clone().unwrap_or_else(|| "omni-moderation-latest".to_owned());
        let backend = (|| Some(OpenAi { base_url, key: key?, model, thresholds: thresholds?, cut: cut? }))();
        self.remote(at, raw, url, backend.map(Backend::OpenAi))
    }

    pub(super) fn aliyun(&mut self, at: &str, raw: &RawBackend) -> Option<Judge> {
        let base_url = match (&raw.region, &raw.base_url) {
            (Some(_), Some(_)) => {
                return self.problem(format!("{at} has region and base_url: keep one of them"));
            }
            (Some(region), None) if is_region(region) => Aliyun::base_url(region),
            (Some(region), None) => {
                return self.problem(format!("{at}.region is `{region}`: expected one such as cn-shanghai"));
            }
            (None, Some(url)) => trimmed(url),
            (None, None) => Aliyun::base_url("cn-shanghai"),
        };
        if base_url.splitn(4, '/').nth(3).is_some() {
            return self.problem(format!("{at}.base_url has a path: expected scheme, host and port alone"));
        }
        let id = Source { variable: &raw.access_key_id_env, file: &raw.access_key_id_file };
        let secret = Source { variable: &raw.access_key_secret_env, file: &raw.access_key_secret_file };
        let token = Source { variable: &raw.security_token_env, file: &raw.security_token_file };
        let key_id = self.needed_secret(&format!("{at}.access_key_id"), id);
        let key_secret = self.needed_secret(&format!("{at}.access_key_secret"), secret);
        let token = self.optional_secret(&format!("{at}.security_token"), token);
        let cut = self.cut(at, raw, 1800);
        let action = raw.action.map_or(Action::TextModerationPlus, Action::from);
        let (of_requests, of_responses) = action.services();
        let backend = (|| {
            Some(Aliyun {
                base_url: base_url.clone(),
                key_id: key_id?,
                key_secret: key_secret?,
                token: token?,
                action,
                request_service: raw.request_service.clone().unwrap_or_else(|| of_requests.to_owned()),
                response_service: raw.response_service.clone().unwrap_or_else(|| of_responses.to_owned()),
                cut: cut?,
            })
        })();
        self.remote(at, raw, &base_url, backend.map(Backend::Aliyun))
    }

    pub(super) fn azure(&mut self, at: &str, raw: &RawBackend) -> Option<Judge> {
        let Some(url) = raw.base_url.as_deref() else {
            return self.problem(format!(
                "{at}.base_url is missing: it is the resource's endpoint, such as \
                 https://NAME.cognitiveservices.azure.com"
            ));
        };
        let key = self.needed_secret(&format!("{at}.api_key"), api_key(raw));
        let check = self.azure_check(at, raw);
        let api_version = self.api_version(at, raw.api_version.as_deref());
        let cut = self.cut(at, raw, 10_000);
        let base_url = trimmed(url);
        let backend = (|| Some(Azure { base_url, key: key?, api_version: api_version?, check: check?, cut: cut? }))();
        self.remote(at, raw, url, backend.map(Backend::Azure))
    }

    fn azure_check(&mut self, at: &str, raw: &RawBackend) -> Option<AzureCheck> {
        if raw.check == Some(RawCheck::Attacks) {
            let given = [
                ("categories", raw.categories.is_some()),
                ("blocklists", raw.blocklists.is_some()),
                ("halt_on_blocklist_hit", raw.halt_on_blocklist_hit.is_some()),
                ("severities", raw.severities.is_some()),
            ];
            return match given.into_iter().find(|(_, is_given)| *is_given) {
                Some((key, _)) => {
                    self.problem(format!("{at}.{key} means nothing with check = \"attacks\": take it out"))
                }
                None => Some(AzureCheck::Attacks),
            };
        }
        let all = || AzureCheck::CATEGORIES.map(str::to_owned).to_vec();
        let categories = raw.categories.clone().unwrap_or_else(all);
        let unknown = categories.iter().find(|name| !AzureCheck::CATEGORIES.contains(&name.as_str()));
        if unknown.is_some() || categories.is_empty() {
            let known = AzureCheck::CATEGORIES.join(", ");
            return self.problem(format!("{at}.categories: expected one or more of {known}"));
        }
        Some(AzureCheck::Content {
            categories,
            blocklists: raw.blocklists.clone().unwrap_or_default(),
            halt_on_blocklist_hit: raw.halt_on_blocklist_hit.unwrap_or(false),
            eight_levels: raw.severities == Some(Severities::Eight),
        })
    }

    /// It becomes a part of an address.
    fn api_version(&mut self, at: &str, text: Option<&str>) -> Option<String> {
        let text = text.unwrap_or("2024-09-01");
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
        if !text.is_empty() && text.bytes().all(is_plain) {
            return Some(text.to_owned());
        }
        self.problem(format!("{at}.api_version is `{text}`: expected one such as 2024-09-01"))
    }

    pub(super) fn guard_model(&mut self, at: &str, raw: &RawBackend) -> Option<Judge> {
        let (Some(url), Some(model), Some(dialect)) = (&raw.base_url, &raw.model, raw.dialect) else {
            return self.problem(format!(
                "{at} needs base_url (such as http://127.0.0.1:8000/v1), model (the server's name of it) and dialect \
                 (\"llama_guard\" or \"qwen3_guard\")"
            ));
        };
        let key = self.optional_secret(&format!("{at}.api_key"), api_key(raw));
        let cut = self.cut(at, raw, 8000);
        let backend = (|| {
            Some(GuardModel {
                base_url: trimmed(url),
                key: key?,
                model: model.clone(),
                dialect: dialect.into(),
                controversial: raw.controversial.unwrap_or(Level::Medium),
                cut: cut?,
            })
        })();
        self.remote(at, raw, url, backend.map(Backend::GuardModel))
    }

    fn remote(&mut self, at: &str, raw: &RawBackend, url: &str, backend: Option<Backend>) -> Option<Judge> {
        let address = self.plain_address(&format!("{at}.base_url"), url, "https://api.openai.com/v1");
        let roots = self.tls_roots(at, raw.tls_roots.as_deref(), raw.ca_file.as_deref());
        Some(Judge::Remote { backend: backend?, address: address?, roots: roots? })
    }

    fn thresholds(&mut self, at: &str, raw: Option<&BTreeMap<String, [f64; 3]>>) -> Option<Thresholds> {
        let mut thresholds = Thresholds::default();
        let mut good = true;
        for (category, bounds) in raw.into_iter().flatten() {
            let rises = bounds.iter().all(|bound| (0.0..=1.0).contains(bound)) && bounds.is_sorted();
            if !rises {
                good = false;
                self.problems.push(format!(
                    "{at}.thresholds.{category}: expected three scores from 0 to 1 that do not fall, such as [0.25, 0.5, \
                     0.8]"
                ));
            } else if category == "default" {
                thresholds = thresholds.with_default(*bounds);
            } else if OpenAi::CATEGORIES.contains(&category.as_str()) {
                thresholds = thresholds.with(category, *bounds);
            } else {
                good = false;
                self.problems.push(format!(
                    "{at}.thresholds has `{category}`: expected default or one of {}",
                    OpenAi::CATEGORIES.join(", ")
                ));
            }
        }
        good.then_some(thresholds)
    }

    fn cut(&mut self, at: &str, raw: &RawBackend, default_characters: usize) -> Option<Cut> {
        match raw.piece_characters_max.unwrap_or(default_characters) {
            characters if (Cut::CHARACTERS_MIN..=LIMIT_MAX).contains(&characters) => {
                Some(Cut::new(characters, OVERLAP_CHARACTERS))
            }
            characters => self.problem(format!(
                "{at}.piece_characters_max is {characters}: expected {} to {LIMIT_MAX}",
                Cut::CHARACTERS_MIN
            )),
        }
    }
}

const fn api_key(raw: &RawBackend) -> Source<'_> {
    Source { variable: &raw.api_key_env, file: &raw.api_key_file }
}

fn trimmed(url: &str) -> String {
    url.trim_end_matches('/').to_owned()
}

/// A part of a host's name.
fn is_region(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}
