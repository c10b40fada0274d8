//! Readings with a value in every place.

use crate::admin::audit_file::AuditCounts;
use crate::callers::RefusalCounts;
use crate::live_guard::{LiveGuardShown, NearestShown, WebhookCounts};
use crate::quota::QuotaCounts;
use crate::recorder::RecorderCounts;
use crate::replicas::StoreCounts;
use crate::safety::ModeratorReading;
use crate::shadow::ShadowCounts;
use crate::telemetry::readings::{
    Bounds, CallersReading, MigrationReading, PriceReading, ProviderReading, Readings, VerdictReading,
};
use crate::upstream::{BreakerState, UpstreamCounts};
use judge::verdict::{Decision, State};

/// One of everything.
pub(super) fn readings() -> Readings {
    Readings {
        messages: WebhookCounts { delivered: 3, failed: 1, dropped: 2 },
        audit: Some(AuditCounts { written: 12, lost: 1 }),
        requests_in_flight: 7,
        requests_held_bytes: 77,
        requests_refused: 2,
        bounds: Bounds {
            requests_in_flight: 4096,
            requests_held_bytes: 1000,
            shadow_queue_copies: 10,
            shadow_held_bytes: 20,
            shadow_cost_per_day_nanos: Some(25_000_000_000),
            records_queue_lines: 30,
        },
        migrations: vec![MigrationReading {
            name: "m".to_owned(),
            weight_percent: 12.34,
            shadow_percent: 100.0,
            epoch: 1_700_000_000_123,
            baseline: "openai",
            candidate: "deepseek",
            shadow_paused: true,
            live_guard: Some(LiveGuardShown {
                state: "watching",
                epoch: 1_700_000_000_123,
                candidate_requests: 100,
                candidate_errors: 2,
                baseline_requests: 900,
                baseline_errors: 9,
                nearest: Some(NearestShown {
                    metric: "errors".to_owned(),
                    log_wealth: 1.2,
                    needed: 4.8,
                    progress: 0.25,
                }),
                alone: false,
                alarms: 3,
                last_alarm: None,
            }),
            verdict: Some(VerdictReading {
                decision: Decision::NoGo,
                in_force: true,
                age_us: Some(90_500_000),
                guardrails: vec![
                    ("error_rate".to_owned(), "all".to_owned(), State::Fail),
                    ("latency_p95".to_owned(), "consumer=\"a\"".to_owned(), State::HoldInsufficient),
                ],
            }),
        }],
        providers: vec![ProviderReading {
            name: "a \"quoted\\name\"\nof two lines".to_owned(),
            plane: "serving",
            counts: UpstreamCounts {
                attempts: 11,
                retries: 4,
                resends: 1,
                retries_over_budget: 6,
                shed: 7,
                breaker_refused: 8,
                connects: 9,
                connect_failures: 10,
                in_flight: 2,
                breaker: BreakerState::HalfOpen,
                breaker_for_ms: 5,
                breaker_opened: 12,
                key_failovers: 14,
                keys: 3,
                keys_resting: 1,
            },
        }],
        shadow: ShadowCounts {
            accepted: 4,
            finished: 3,
            dropped: 9,
            dropped_by_reason: [("queue_full", 4), ("budget_spent", 5)].into(),
            abandoned: 0,
            held: 1,
            waiting: 1,
            held_bytes: 2,
            spent_today_nanos: 1_500_000_000,
        },
        callers: CallersReading {
            refusals: RefusalCounts { refused: vec![("unknown", 3), ("scope", 2)], slowed: 2, unslowed: 1, waiting: 4 },
            old_uses: 6,
            kept: Some((true, 5, 1)),
        },
        records: Some(RecorderCounts {
            written: 9,
            waiting: 0,
            dropped_served: 1,
            dropped_shadow: 2,
            lost: 3,
            too_long: 4,
            not_serialised: 5,
            healthy: false,
            disk_error: Some("/secret/path is full".to_owned()),
            parts_closed: 0,
            parts_deleted: 0,
        }),
        guard: crate::safety::GuardReading::default(),
        moderators: vec![ModeratorReading::sample("judge")],
        redis: Some(StoreCounts { up: true, calls: [1, 2, 3, 4], failures: [0, 0, 6, 0] }),
        quotas: Some(QuotaCounts {
            refused: vec![("team-a".into(), 5)],
            left_percent: vec![("team-a".into(), "tokens", 12.5)],
            open_calls: 2,
            leases_expired: 3,
            settled_late: 1,
            journal_errors: 4,
            usage_rows: 6,
            usage_folded: 7,
        }),
        spans: Some(crate::trace::SpanCounts { exported: 8, dropped: vec![("queue_full", 2)] }),
        prices: PriceReading {
            age_us: 86_400_500_000,
            models: vec![
                ("openai".to_owned(), "a \"b\"".to_owned(), true),
                ("deepseek".to_owned(), "c".to_owned(), false),
            ],
        },
    }
}
