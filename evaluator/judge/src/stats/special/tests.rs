use super::*;

fn close(got: f64, want: f64, tolerance: f64) {
    assert!((got - want).abs() <= tolerance * want.abs().max(1e-300), "got {got:e}, want {want:e}");
}

#[test]
fn normal_quantiles_and_tails() {
    close(normal_quantile(0.975), 1.959_963_984_540_054, 1e-14);
    close(normal_quantile(1e-9), -5.997_807_015_007_687, 1e-12);
    close(normal_upper_tail(3.0), 0.001_349_898_031_630_094_5, 1e-9);
    assert!(normal_quantile(0.0).is_nan() && normal_quantile(1.5).is_nan() && normal_quantile(f64::NAN).is_nan());
}

#[test]
fn t_quantiles_agree_with_the_tables() {
    close(t_upper_quantile(0.025, 1.0), 12.706_204_736_174_698, 1e-12);
    close(t_upper_quantile(0.05, 10.0), 1.812_461_122_811_676, 1e-12);
    close(t_upper_quantile(0.025, 1e12), 1.959_963_984_540_054, 1e-9);
    // Cauchy: the cotangent of pi alpha.
    close(t_upper_quantile(1e-12, 1.0), 1e12 / std::f64::consts::PI, 1e-9);
    for (alpha, degrees) in [(0.5, 3.0), (0.05, 0.0), (0.05, 5e-324), (f64::NAN, 3.0), (0.05, f64::NAN), (0.05, 0.001)]
    {
        assert!(t_upper_quantile(alpha, degrees).is_nan(), "{alpha} {degrees}");
    }
    assert!(t_upper_quantile(0.05, f64::INFINITY).is_finite());
}

#[test]
fn t_quantiles_do_not_jump_where_the_expansion_begins() {
    for alpha in [0.4, 0.05, 0.01 / 14.0] {
        close(t_upper_quantile(alpha, MANY_DEGREES + 0.01), t_upper_quantile(alpha, MANY_DEGREES), 1e-8);
    }
}

/// Expectations by scipy 1.17.
#[test]
fn beta_quantiles_hold_for_any_count() {
    for (share, a, b, want, tolerance) in [
        (0.05, 3.0, 999_998.0, 8.176_919_305_463_174e-7, 1e-8),
        (0.05, 1.0, 1e9, 5.129_329_438_623_504e-11, 1e-12),
        (0.05, 3.0, 999_999_998.0, 8.176_914_476_473_356e-10, 1e-10),
        (0.05, 300.0, 999_999_701.0, 2.720_900_408_542_513e-7, 1e-10),
        (0.4, 1e6, 999_000_001.0, 0.000_999_746_467_336_415_4, 1e-10),
        (0.4, 5e5, 500_001.0, 0.499_872_826_482_321_23, 1e-10),
        (0.4, 5e8, 500_000_001.0, 0.499_995_993_730_578_5, 1e-12),
        (0.05, 999_999_997.0, 4.0, 0.999_999_992_246_343_5, 1e-14),
        (0.05, 5.0, 1.152_921_504_606_847e18, 1.708_832_353_449_216_5e-18, 1e-10),
    ] {
        close(beta_quantile(share, a, b), want, tolerance);
    }
}

#[test]
fn the_beta_distribution_does_not_jump_where_its_limits_begin() {
    for (a, b, step) in [(2e4, 2e4, 1.0), (10_001.0, 100_020_000.0, 2.0), (3.0, LARGE, 1.0), (2e3, LARGE, 1.0)] {
        for share in [1e-6, 0.05, 0.49] {
            let quantile = beta_quantile(share, a, b);
            let jump = beta_quantile(share, a, b + step) / quantile - 1.0;
            // A larger b takes the quantile down in proportion to a + b, or nearly so in the tails.
            let expected = -step / (a + b);
            assert!(
                (jump - expected).abs() < 3e-7 - 0.1 * expected,
                "{a} {b} {share}: {jump:e}, expected {expected:e}"
            );
        }
    }
}

/// Expectations by scipy 1.17, and for the rare ones by 50-digit arithmetic.
#[test]
fn binomial_probabilities_hold_for_any_count() {
    close(binomial_at_most(500_000, 1_000_000, 0.5), 0.500_398_942_180_665_4, 1e-9);
    close(binomial_at_most(500_000_000, 1_000_000_000, 0.5), 0.500_012_615_662_606_5, 1e-9);
    close(binomial_at_most(499_950_000, 1_000_000_000, 0.5), 0.000_782_786_130_538_624_2, 1e-8);
    close(binomial_probability(500_000_000, 1_000_000_000, 0.5), 2.523_132_521_389_378e-5, 1e-5);
    close(binomial_probability(3, 1_000_000_000, 4e-9), 0.195_366_815_008_531_4, 1e-7);
    close(binomial_probability(0, 1_000_000_000_000, 3e-12), 0.049_787_068_367_639_87, 1e-9);
    assert!(binomial_probability(1, 1 << 40, 0.0) <= 0.0 && binomial_probability(1, 2, 1.5).is_nan());
}

#[test]
fn binomial_tails_are_sums_of_probabilities() {
    let direct: f64 = (0..=3).map(|k| binomial_probability(k, 10, 0.2)).sum();
    close(binomial_at_most(3, 10, 0.2), direct, 1e-13);
    close(beta_quantile(1.0 - binomial_at_most(3, 10, 0.2), 4.0, 7.0), 0.2, 1e-12);
}
