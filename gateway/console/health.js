// What the live numbers and the last verdict say about a migration, in the order in which somebody on call wants to know.
//
// This is a reading, not a judgement: the judge has margins, pairs and a policy, a page has five minutes. So a difference
// is called one only where chance hardly explains it, with thresholds that err on the quiet side, and silence is never
// called health: without news, without traffic or without a verdict the answer says so. Pure: documents in, words out.

import { change, count, micros, percent, points, several, share, span } from "./format.js";

/** Standard deviations beyond which two shares of errors differ: one false mark in some hundreds of looks. */
const DEVIATIONS = 3;
/** Bad answers below which nothing is said about a share. */
const EVENTS_MIN = 5;
/** Factor between quantiles that is worth a mark, and requests that a quantile needs on both sides. */
const FACTOR = 1.2;
const REQUESTS_MIN = { p50: 50, p95: 100, p99: 500 };
/** Share of copies lost, of a queue filled, of candidates' requests taken back, that is worth a word. */
const LOST_SHARE = 0.01;
const FULL_SHARE = 0.8;
const TAKEN_BACK_SHARE = 0.02;
/** How long an alarm of the live guard is trouble; later the audit has it. */
const ALARM_SHOWN_US = 3600e6;
/** What is left of a quota when it is called nearly used up, percent. */
export const LEFT_PERCENT = 10;

/** `worse`, `better` or null for bad ones among requests on two sides. */
export function compareShares(bad, requests, bad_before, requests_before) {
  if (!(requests > 0) || !(requests_before > 0) || bad + bad_before < EVENTS_MIN) return null;
  const pooled = (bad + bad_before) / (requests + requests_before);
  const deviation = Math.sqrt(pooled * (1 - pooled) * (1 / requests + 1 / requests_before));
  const difference = bad / requests - bad_before / requests_before;
  if (deviation === 0 || Math.abs(difference) <= DEVIATIONS * deviation) return null;
  return difference > 0 ? "worse" : "better";
}

/** `worse`, `better` or null for a quantile, such as `p95`, of two sides with so many requests. */
export function compareQuantiles(quantile, value, value_before, requests_least) {
  if (!(value > 0) || !(value_before > 0) || requests_least < REQUESTS_MIN[quantile]) return null;
  const ratio = value / value_before;
  return ratio >= FACTOR ? "worse" : ratio <= 1 / FACTOR ? "better" : null;
}

/** The arm in a role, or undefined. */
export const armOf = (migration, arm, role) => migration.arms.find((one) => one.arm === arm && one.role === role);

/** The candidate's arm that says most: what it serves, or else what is mirrored to it. */
export function candidateOf(migration) {
  const served = armOf(migration, "candidate", "served");
  return served?.requests > 0 ? served : (armOf(migration, "candidate", "shadow") ?? served);
}

const bad = (text) => ({ level: "bad", text });
const warn = (text) => ({ level: "warn", text });
const note = (text) => ({ level: "note", text });

function ofVerdict(migration) {
  const { verdict } = migration;
  const serving = migration.weight_percent > 0;
  if (!verdict) return serving ? [warn("No verdict has been published: nothing proves that this weight is safe.")] : [];
  const found = [];
  if (verdict.verdict === "no-go") {
    const why = verdict.reasons[0] ? ` ${verdict.reasons[0]}` : "";
    found.push((serving ? bad : note)(`The verdict is NO-GO${serving ? ` and the candidate still serves ${percent(migration.weight_percent)}` : ""}.${why}`));
  }
  if (!verdict.matches || verdict.stale) {
    found.push((serving ? warn : note)(`The verdict says nothing about now. ${verdict.why_not}`));
  }
  const doubted = verdict.guardrails.filter((one) => one.state === "hold-instrument");
  if (doubted.length > 0) {
    // Each of them says why in its last clause, after what it measured.
    const why = (doubted[0].why ?? "").split("in doubt: ").pop();
    found.push(warn(`The measuring is in doubt (${several(doubted.length, "guardrail", "guardrails")}). ${why}`));
  }
  return found;
}

function ofArms(migration) {
  const baseline = armOf(migration, "baseline", "served");
  const candidate = candidateOf(migration);
  if (!baseline || !candidate) return [];
  const found = [];
  const whose = candidate.role === "served" ? "the candidate" : "the mirrored candidate";
  if (compareShares(candidate.errors, candidate.requests, baseline.errors, baseline.requests) === "worse") {
    const [now, before] = [candidate.errors / candidate.requests, baseline.errors / baseline.requests];
    const level = candidate.role === "served" ? bad : warn;
    found.push(level(`Errors: ${share(now)} of ${whose}'s answers, ${share(before)} of the baseline's (${points(now - before)}).`));
  }
  // Too few for chance to be ruled out, and yet nobody would call it well.
  if (candidate.requests >= 2 && candidate.errors === candidate.requests && found.length === 0) {
    found.push(warn(`All ${several(candidate.requests, "request", "requests")} of ${whose} failed.`));
  }
  const least = Math.min(candidate.requests, baseline.requests);
  for (const [key, words] of [["ttft_us", "Time to first token"], ["duration_us", "Total time"]]) {
    const [value, before] = [candidate[key]?.p95, baseline[key]?.p95];
    if (compareQuantiles("p95", value, before, least) === "worse") {
      found.push(warn(`${words}, p95: ${micros(value)} with ${whose}, ${micros(before)} with the baseline (${change(value / before)}).`));
    }
  }
  const served = armOf(migration, "candidate", "served")?.requests ?? 0;
  const back = baseline.fallbacks;
  if (back >= EVENTS_MIN && back / (served + back) > TAKEN_BACK_SHARE) {
    found.push(warn(`${several(back, "request", "requests")} of the candidate's fell back to the baseline (${share(back / (served + back))}).`));
  }
  const unpriced = migration.arms.reduce((sum, arm) => sum + arm.unpriced, 0);
  if (unpriced > 0) found.push(warn(`Money is incomplete: ${several(unpriced, "answer has", "answers have")} no price.`));
  return found;
}

function ofProviders(migration, document) {
  const found = [];
  for (const [name, who] of [[migration.candidate, "candidate"], [migration.baseline, "baseline"]]) {
    const provider = document.providers.find((one) => one.name === name);
    const breaker = provider?.serving?.breaker;
    if (!breaker || breaker === "closed" || breaker === "off") continue;
    // A candidate without weight harms nobody.
    const harm = who === "baseline" || migration.weight_percent > 0;
    found.push((harm ? bad : warn)(`The ${who} is left alone: the breaker of ${name} is ${breaker.replaceAll("_", " ")}.`));
  }
  return found;
}

/** Signs of trouble of one migration, the worst first: `{level: "bad" | "warn" | "note", text}`. */
export function signs(migration, document) {
  const found = [...ofVerdict(migration), ...ofProviders(migration, document), ...ofArms(migration)];
  const guard = migration.live_guard;
  const alarm = guard?.last_alarm ?? null;
  if (guard?.state === "standing-in") {
    found.push(bad("The live guard serves the baseline here: the other replicas could not be told yet."));
  }
  if (alarm && document.at_us - alarm.at_us < ALARM_SHOWN_US) {
    const when = span((document.at_us - alarm.at_us) / 1e6);
    found.push(bad(`The live guard took the weight from ${percent(alarm.from_percent)} to ${percent(alarm.to_percent)} ${when} ago: ${alarm.why}.`));
  }
  if (migration.shadow_paused) {
    found.push(note(`The shadow has been paused for ${span((document.at_us - migration.shadow_paused.at_us) / 1e6)}: ${migration.shadow_paused.reason}`));
  }
  const rank = { bad: 0, warn: 1, note: 2 };
  return found.sort((a, b) => rank[a.level] - rank[b.level]);
}

/** The answer in five seconds: `{condition, level, sentence}`. */
export function headline(migration, found) {
  const worst = found.find((sign) => sign.level !== "note");
  if (worst) return { condition: worst.level === "bad" ? "Trouble" : "Look here", level: worst.level, sentence: worst.text };
  const candidate = candidateOf(migration);
  if (!candidate || !(candidate.requests > 0)) {
    return { condition: "Idle", level: "idle", sentence: "Nothing has reached the candidate lately." };
  }
  if (candidate.role === "served" && migration.weight_percent === 0) {
    return { condition: "Idle", level: "idle", sentence: `The candidate serves nothing. Its last ${several(candidate.requests, "request", "requests")} came under an earlier weight.` };
  }
  const what = candidate.role === "served" ? "served" : "mirrored";
  return {
    condition: "Well",
    level: "well",
    sentence: `No sign of trouble in ${several(candidate.requests, "request", "requests")} ${what} in the last ${span(candidate.window_seconds)}.`,
  };
}

/** Signs of trouble of the whole gateway, the worst first. */
export function houseSigns(document) {
  const found = [];
  if (document.stopping) found.push(bad("This gateway is stopping."));
  if (document.replicas && !document.replicas.redis_up) {
    found.push(bad("Redis is away: weights and keys are as they were last known, and changes of weights are refused."));
  }
  const { records, shadow } = document;
  if (records && !records.healthy) found.push(bad("Records cannot be written: evidence is being lost."));
  if (records?.lost > 0) found.push(warn(`${several(records.lost, "record is", "records are")} lost since the start.`));
  const offered = shadow.finished + shadow.dropped;
  if (shadow.dropped > 0 && shadow.dropped / offered > LOST_SHARE) {
    found.push(warn(`${count(shadow.dropped)} of ${count(offered)} copies were dropped (${share(shadow.dropped / offered)}).`));
  }
  if (shadow.queue_jobs_max > 0 && shadow.held / shadow.queue_jobs_max > FULL_SHARE) {
    found.push(warn(`The shadow's queue is nearly full: ${count(shadow.held)} of ${count(shadow.queue_jobs_max)}.`));
  }
  if (shadow.cost_per_day_max_nanos > 0 && shadow.spent_today_nanos / shadow.cost_per_day_max_nanos > FULL_SHARE) {
    found.push(warn(`The shadow has spent ${share(shadow.spent_today_nanos / shadow.cost_per_day_max_nanos)} of what it may cost today.`));
  }
  for (const guard of document.guards) {
    if (guard.breaker === "closed" || guard.breaker === "off") continue;
    found.push(warn(`The guard ${guard.backend} is left alone: its breaker is ${guard.breaker.replaceAll("_", " ")}.`));
  }
  const { stale } = document.prices;
  if (stale.length > 0) {
    const first = `${stale[0].provider} ${stale[0].model}`;
    found.push(warn(`Stale prices: ${first}${stale.length > 1 ? ` and ${several(stale.length - 1, "other", "others")}` : ""}.`));
  }
  const nearly = document.consumers.filter((one) => one.quotas.some((quota) => quota.left_percent < LEFT_PERCENT));
  if (nearly.length > 0) found.push(note(`${several(nearly.length, "consumer has", "consumers have")} less than ${LEFT_PERCENT} % of a quota left.`));
  const rank = { bad: 0, warn: 1, note: 2 };
  return found.sort((a, b) => rank[a.level] - rank[b.level]);
}
