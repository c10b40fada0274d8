use super::super::LogFormat;
use super::super::open as open_log;
use super::super::testing::endure;
use super::super::trial::{fills_only_what_it_says, import, member, prompt_tokens, quantile, real, round_trip, skips};
use super::*;
use proptest::prelude::*;

const LOG: &str = "TIMESTAMP,ContextTokens,GeneratedTokens\r\n\
    2023-11-16 18:17:03.9799600,4808,10\r\n\
    2024-05-12 00:00:00.003925+00:00,3180,0\r\n\
    yesterday,1,2\r\n\
    2023-11-16 18:17:04.0319609,x,8\r\n\
    2023-11-16 18:17:04,110,99999999999999999999\r\n\
    2023-11-16 18:17:04\r\n\
    2023-11-16 18:17:05,20,5";

#[test]
fn times_and_sizes_come_in_and_broken_rows_are_told() {
    let outcome = import(LOG);
    assert_eq!((outcome.format, outcome.untimed, outcome.requests.len()), (LogFormat::AzureLlm, false, 3));
    let [first, second, last] = &outcome.requests[..] else { panic!() };
    assert_eq!(first.at_us, 1_700_158_623_979_960);
    assert_eq!((prompt_tokens(first), member(first, "max_tokens")), (4808, 10.into()));
    assert_eq!((second.at_us, member(second, "max_tokens")), (1_715_472_000_003_925, 1.into()));
    assert_eq!((last.id.as_str(), prompt_tokens(last)), ("line-8", 20));
    assert!(first.recorded.is_none(), "the trace does not say who answered, or whether anyone did");
    let skips = skips(&outcome);
    assert_eq!((skips.len(), outcome.report.prompts_made, outcome.report.out_of_order), (4, 3, 1));
    assert!(skips[0].contains("line 4: `TIMESTAMP` is no instant") && !skips[0].contains("yesterday"));
    assert!(skips[1].contains("line 5: `ContextTokens`") && skips[2].contains("line 6: `GeneratedTokens`"));
    assert!(skips[3].contains("line 7: `ContextTokens`"));
    fills_only_what_it_says(&outcome);
    round_trip(&outcome);
}

/// The figures that are known of the real traces.
#[test]
fn the_real_traces_have_their_known_figures() {
    for (name, rows, rate, variation, peak, sizes) in [
        ("azure_llm_2023_conv_10k.csv", 10_000_usize, 5.6, 1.07, 15, Some([1_033, 4_086, 136, 461])),
        ("azure_llm_2023_code_5k.csv", 5_000, 3.1, 13.7, 67, None),
    ] {
        let Some(path) = real(name) else { return };
        let outcome = super::super::trial::drain(open_log(&[path], ImportOptions::default()).unwrap());
        let at: Vec<i64> = outcome.requests.iter().map(|request| request.at_us).collect();
        assert_eq!((outcome.requests.len(), outcome.report.skipped, outcome.report.out_of_order), (rows, 0, 0));
        let gaps: Vec<f64> = at.windows(2).map(|pair| (pair[1] - pair[0]) as f64 / 1e6).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        assert!((1.0 / mean - rate).abs() < 0.06, "{name}: {} requests a second", 1.0 / mean);
        assert!((variance.sqrt() / mean - variation).abs() < 0.06, "{name}: variation {}", variance.sqrt() / mean);
        let mut seconds = std::collections::BTreeMap::<i64, u32>::new();
        let begin = at[0];
        for at in at {
            *seconds.entry((at - begin).div_euclid(1_000_000)).or_default() += 1;
        }
        let found = *seconds.values().max().unwrap();
        assert!(found.abs_diff(peak) <= 1, "{name}: peak {found}");
        if let Some(sizes) = sizes {
            let prompts: Vec<u64> = outcome.requests.iter().map(prompt_tokens).collect();
            let limits: Vec<u64> =
                outcome.requests.iter().map(|request| member(request, "max_tokens").as_u64().unwrap()).collect();
            let found = [quantile(&prompts, 50), quantile(&prompts, 95), quantile(&limits, 50), quantile(&limits, 95)];
            for (found, known) in found.into_iter().zip(sizes) {
                assert!(found.abs_diff(known) <= known / 200 + 1, "{name}: {found} for {known}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_hang_or_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..60), at in 0_usize..250, whole in any::<bool>()) {
        if whole {
            let mut log = LOG.as_bytes().to_vec();
            let end = (at + bytes.len()).min(log.len());
            log.splice(at.min(end)..end, bytes);
            bytes = log;
        }
        endure(LogFormat::AzureLlm, &bytes);
    }
}
