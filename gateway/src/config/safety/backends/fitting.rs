//! Which key is for which kind.

use super::{Kind, RawBackend};
use crate::config::check::Checker;

const REMOTE: [Kind; 4] = [Kind::OpenAi, Kind::Aliyun, Kind::Azure, Kind::GuardModel];
const KEYED: [Kind; 3] = [Kind::OpenAi, Kind::Azure, Kind::GuardModel];

impl Kind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Aliyun => "aliyun",
            Self::Azure => "azure",
            Self::GuardModel => "guard_model",
            Self::Lists => "lists",
            Self::Personal => "personal",
        }
    }
}

impl Checker<'_> {
    /// Reports every key that is given and means nothing for the kind.
    pub(super) fn fitting_keys(&mut self, at: &str, raw: &RawBackend) {
        for (key, is_given, kinds) in keys(raw) {
            if is_given && !kinds.contains(&raw.kind) {
                let kinds: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
                self.problems.push(format!(
                    "{at}.{key} means nothing for kind `{}`: it is for {}; take it out",
                    raw.kind.name(),
                    kinds.join(", ")
                ));
            }
        }
    }
}

/// Name, whether it is given, and whom it is for. `kind` and `timeout` are for all.
fn keys(raw: &RawBackend) -> [(&'static str, bool, &'static [Kind]); 33] {
    const ALIYUN: &[Kind] = &[Kind::Aliyun];
    const AZURE: &[Kind] = &[Kind::Azure];
    const GUARD_MODEL: &[Kind] = &[Kind::GuardModel];
    [
        ("calls_in_flight_max", raw.calls_in_flight_max.is_some(), &REMOTE),
        ("cache_bytes_max", raw.cache_bytes_max.is_some(), &REMOTE),
        ("cache_for", raw.cache_for.is_some(), &REMOTE),
        ("piece_characters_max", raw.piece_characters_max.is_some(), &REMOTE),
        ("base_url", raw.base_url.is_some(), &REMOTE),
        ("tls_roots", raw.tls_roots.is_some(), &REMOTE),
        ("ca_file", raw.ca_file.is_some(), &REMOTE),
        ("api_key_env", raw.api_key_env.is_some(), &KEYED),
        ("api_key_file", raw.api_key_file.is_some(), &KEYED),
        ("model", raw.model.is_some(), &[Kind::OpenAi, Kind::GuardModel]),
        ("thresholds", raw.thresholds.is_some(), &[Kind::OpenAi]),
        ("region", raw.region.is_some(), ALIYUN),
        ("action", raw.action.is_some(), ALIYUN),
        ("access_key_id_env", raw.access_key_id_env.is_some(), ALIYUN),
        ("access_key_id_file", raw.access_key_id_file.is_some(), ALIYUN),
        ("access_key_secret_env", raw.access_key_secret_env.is_some(), ALIYUN),
        ("access_key_secret_file", raw.access_key_secret_file.is_some(), ALIYUN),
        ("security_token_env", raw.security_token_env.is_some(), ALIYUN),
        ("security_token_file", raw.security_token_file.is_some(), ALIYUN),
        ("request_service", raw.request_service.is_some(), ALIYUN),
        ("response_service", raw.response_service.is_some(), ALIYUN),
        ("api_version", raw.api_version.is_some(), AZURE),
        ("check", raw.check.is_some(), AZURE),
        ("categories", raw.categories.is_some(), AZURE),
        ("blocklists", raw.blocklists.is_some(), AZURE),
        ("halt_on_blocklist_hit", raw.halt_on_blocklist_hit.is_some(), AZURE),
        ("severities", raw.severities.is_some(), AZURE),
        ("dialect", raw.dialect.is_some(), GUARD_MODEL),
        ("controversial", raw.controversial.is_some(), GUARD_MODEL),
        ("lists", raw.lists.is_some(), &[Kind::Lists]),
        ("files", raw.files.is_some(), &[Kind::Lists]),
        ("credentials", raw.credentials.is_some(), &[Kind::Personal]),
        ("persons", raw.persons.is_some(), &[Kind::Personal]),
    ]
}
