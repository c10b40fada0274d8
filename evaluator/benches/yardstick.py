"""The yardstick of the benchmark `evaluate`: what a short script with polars and scipy takes for the same records.

It only reads, joins, aggregates and runs two tests: no validity, no duplicates, no money, no bounds, no verdict. Usage:

    yardstick.py records.parquet

Prints one line of JSON: seconds of each phase, their sum, the peak of resident memory in MiB, and the results.
"""

import json
import resource
import sys
import time

import polars as pl
from scipy import stats

COLUMNS = [
    "pair",
    "arm",
    "role",
    "consumer",
    "error",
    "form_failure",
    "ttft_us",
    "duration_us",
    "usage_prompt",
    "usage_completion",
]


def main(path: str) -> None:
    start, processor = time.perf_counter(), time.process_time()
    rows = pl.read_parquet(path, columns=COLUMNS)
    read = time.perf_counter()

    side = ["pair", "consumer", "error", "form_failure", "ttft_us", "duration_us", "usage_prompt", "usage_completion"]
    baseline = rows.filter(pl.col("arm") == "baseline").select(side)
    candidate = rows.filter(pl.col("arm") == "candidate").select(side)
    del rows
    pairs = baseline.join(candidate, on="pair", suffix="_candidate")
    del baseline, candidate
    joined = time.perf_counter()

    aggregates = pairs.select(
        pl.len().alias("pairs"),
        pl.col("error").is_not_null().mean().alias("errors_baseline"),
        pl.col("error_candidate").is_not_null().mean().alias("errors_candidate"),
        *(
            pl.col(f"{metric}{suffix}").quantile(share).alias(f"{metric}{suffix}_p{int(share * 100)}")
            for metric in ("ttft_us", "duration_us")
            for suffix in ("", "_candidate")
            for share in (0.5, 0.95, 0.99)
        ),
        *(
            pl.col(f"usage_{kind}{suffix}").sum().alias(f"{kind}{suffix}")
            for kind in ("prompt", "completion")
            for suffix in ("", "_candidate")
        ),
    )
    consumers = pairs.group_by("consumer").agg(
        pl.len(), pl.col("error").is_not_null().sum(), pl.col("error_candidate").is_not_null().sum()
    )
    aggregated = time.perf_counter()

    answered = pairs.filter(pl.col("error").is_null() & pl.col("error_candidate").is_null())
    difference = (
        answered["duration_us_candidate"].cast(pl.Float64) - answered["duration_us"].cast(pl.Float64)
    ).to_numpy()
    wilcoxon = stats.wilcoxon(difference, alternative="greater").pvalue
    only_candidate = pairs.filter(pl.col("error").is_null() & pl.col("error_candidate").is_not_null()).height
    only_baseline = pairs.filter(pl.col("error").is_not_null() & pl.col("error_candidate").is_null()).height
    mcnemar = stats.binomtest(only_candidate, only_candidate + only_baseline, 0.5, alternative="greater").pvalue
    tested = time.perf_counter()
    processor = time.process_time() - processor

    print(
        json.dumps(
            {
                "read": read - start,
                "join": joined - read,
                "aggregate": aggregated - joined,
                "test": tested - aggregated,
                "total": tested - start,
                "processor": processor,
                "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                "pairs": aggregates["pairs"][0],
                "consumers": consumers.height,
                "wilcoxon_p": float(wilcoxon),
                "mcnemar_p": float(mcnemar),
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1])
