//! The measured figures that the generator draws from, and where they come from.
//!
//! Quantiles of two public traces of production traffic: "Azure LLM inference trace 2023", conversation and code, by
//! Microsoft Azure (Patel et al., "Splitwise", ISCA 2024), CC BY 4.0. Only these aggregates are used, no rows.
//! The gaps are those of the first 10,000 rows (conversation) and the first 5,000 rows (code).

use super::dice::Quantiles;

/// Gaps between arrivals of the conversation trace, in microseconds.
pub(crate) const CONVERSATION_GAPS_US: Quantiles = &[
    (0, 2),
    (100, 644),
    (500, 6_348),
    (1_000, 16_291),
    (2_000, 36_148),
    (3_000, 60_747),
    (4_000, 87_507),
    (5_000, 119_065),
    (6_000, 159_800),
    (7_000, 214_010),
    (8_000, 286_681),
    (9_000, 413_326),
    (9_500, 552_637),
    (9_800, 729_696),
    (9_900, 853_626),
    (9_950, 988_636),
    (9_990, 1_325_412),
    (9_998, 1_528_841),
    (10_000, 4_314_579),
];

/// Gaps between arrivals of the code trace, in microseconds: bursts, then silence.
pub(crate) const CODE_GAPS_US: Quantiles = &[
    (0, 5),
    (100, 22),
    (500, 85),
    (1_000, 210),
    (2_000, 1_199),
    (3_000, 3_352),
    (4_000, 13_103),
    (5_000, 51_922),
    (6_000, 92_554),
    (7_000, 99_265),
    (8_000, 135_227),
    (9_000, 238_406),
    (9_500, 394_325),
    (9_800, 698_626),
    (9_900, 1_900_146),
    (9_920, 2_607_430),
    (9_940, 3_703_636),
    (9_946, 6_656_444),
    (9_950, 7_013_834),
    (9_960, 8_406_083),
    (9_970, 23_069_524),
    (9_980, 29_713_666),
    (9_990, 65_502_408),
    (9_994, 87_294_491),
    (9_996, 138_720_782),
    (9_998, 143_734_273),
    (10_000, 173_521_702),
];

/// Prompt tokens of the conversation trace.
pub(crate) const PROMPT_TOKENS: Quantiles = &[
    (0, 2),
    (100, 36),
    (500, 181),
    (1_000, 307),
    (2_000, 390),
    (3_000, 406),
    (4_000, 954),
    (5_000, 1_034),
    (6_000, 1_081),
    (7_000, 1_142),
    (8_000, 1_320),
    (9_000, 4_076),
    (9_500, 4_086),
    (9_800, 4_099),
    (9_900, 4_123),
    (9_950, 4_146),
    (9_990, 5_244),
    (9_998, 7_650),
    (10_000, 14_050),
];

/// Completion tokens of the conversation trace.
pub(crate) const COMPLETION_TOKENS: Quantiles = &[
    (0, 7),
    (100, 16),
    (500, 38),
    (1_000, 50),
    (2_000, 71),
    (3_000, 88),
    (4_000, 101),
    (5_000, 136),
    (6_000, 201),
    (7_000, 391),
    (8_000, 403),
    (9_000, 427),
    (9_500, 461),
    (9_800, 565),
    (9_900, 611),
    (9_950, 658),
    (9_990, 939),
    (9_998, 1_000),
    (10_000, 1_000),
];

/// Prompt tokens of the code trace.
pub(crate) const CODE_PROMPT_TOKENS: Quantiles = &[
    (0, 6),
    (100, 22),
    (500, 76),
    (1_000, 155),
    (2_000, 397),
    (3_000, 778),
    (4_000, 1_083),
    (5_000, 1_473),
    (6_000, 1_897),
    (7_000, 2_433),
    (8_000, 3_229),
    (9_000, 5_047),
    (9_500, 7_289),
    (9_800, 7_436),
    (10_000, 7_437),
];

/// Completion tokens of the code trace.
pub(crate) const CODE_COMPLETION_TOKENS: Quantiles = &[
    (0, 6),
    (1_000, 7),
    (2_000, 8),
    (3_000, 9),
    (4_000, 11),
    (5_000, 13),
    (6_000, 15),
    (7_000, 19),
    (8_000, 28),
    (9_000, 54),
    (9_500, 85),
    (9_800, 162),
    (9_900, 235),
    (9_950, 319),
    (9_990, 841),
    (9_998, 940),
    (10_000, 1_899),
];

/// DeepSeek's token count of an English text, in percent of the count in OpenAI's `o200k` encoding. Measured on 500
/// pairs of GSM8K: 13 to 15 % more.
pub(crate) const DEEPSEEK_ENGLISH_PERCENT: u64 = 114;
/// The same for Chinese. Measured on 464 prompts of two public sets: 19 to 23 % fewer.
pub(crate) const DEEPSEEK_CHINESE_PERCENT: u64 = 80;

/// Time to the first text, in microseconds: an assumption (no public trace has it for these models).
pub(crate) const FIRST_TEXT_US: Quantiles =
    &[(0, 180_000), (2_500, 320_000), (5_000, 430_000), (9_000, 820_000), (9_900, 1_600_000), (10_000, 3_500_000)];

/// Time per further token, in microseconds: an assumption as well.
pub(crate) const TOKEN_US: Quantiles = &[(0, 7_000), (5_000, 11_000), (9_500, 18_000), (10_000, 30_000)];

/// What the bundled logs are held against (`calibration.rs`): whole-trace figures.
pub mod expected {
    /// Coefficient of variation of the gaps between arrivals.
    pub const GAP_VARIATION: f64 = 1.07;
    /// Requests a second.
    pub const RATE_PER_SECOND: f64 = 5.6;
    /// Requests in the busiest second.
    pub const PEAK_PER_SECOND: u32 = 15;
    /// Variance of the requests in a second, divided by their mean: 1 for a Poisson process.
    pub const DISPERSION: f64 = 1.3;
    /// Prompt tokens: median and 95th percentile.
    pub const PROMPT_TOKENS_P50_P95: (u64, u64) = (1_033, 4_086);
    /// Completion tokens: median and 95th percentile.
    pub const COMPLETION_TOKENS_P50_P95: (u64, u64) = (136, 461);
    /// Coefficient of variation of the gaps of the code trace.
    pub const CODE_GAP_VARIATION: f64 = 13.7;
    /// Requests a second of the code trace.
    pub const CODE_RATE_PER_SECOND: f64 = 3.1;
    /// Requests in the busiest second of the code trace.
    pub const CODE_PEAK_PER_SECOND: u32 = 67;
    /// Variance of the requests in a second of the code trace, divided by their mean.
    pub const CODE_DISPERSION: f64 = 14.6;
    /// Prompt tokens of the code trace: median and 95th percentile.
    pub const CODE_PROMPT_TOKENS_P50_P95: (u64, u64) = (1_473, 7_289);
    /// Completion tokens of the code trace: median and 95th percentile.
    pub const CODE_COMPLETION_TOKENS_P50_P95: (u64, u64) = (13, 85);
}
