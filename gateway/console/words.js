// What verdicts and the gateway spell, in words. What is unknown here is shown as it is spelled, so that a new metric or
// state needs no new page. The report uses the same words for the same things.

const METRICS = new Map([
  ["errors", "Errors"],
  ["rate_limited", "Rate limited (429)"],
  ["blocked", "Blocked by moderation"],
  ["fewer_blocked", "No longer blocked"],
  ["missed", "Missed by moderation"],
  ["refusals", "Refused by the model"],
  ["fewer_refusals", "No longer refused"],
  ["guard_flags", "Flagged by the guard"],
  ["fewer_guard_flags", "No longer flagged"],
  ["answer_failures", "Unusable answers"],
  ["structured_failures", "Unusable structured answers"],
  ["truncations", "Answers cut off"],
  ["slow_ttft", "First token too late"],
  ["slow_duration", "Answer too late"],
  ["cancellations", "Given up by the client"],
  ["tool_disagreement", "Other tool calls"],
  ["answer_disagreement", "Other answers"],
  ["quality", "Lost quality"],
  ["ttft", "Time to first token"],
  ["duration", "Total time"],
  ["inter_token", "Time between tokens"],
  ["cost", "Cost per request"],
]);

const STATES = new Map([
  ["pass", { word: "within margin", sign: "✓", ink: "pass", rank: 5 }],
  ["pass-regressed", { word: "within, but worse", sign: "◆", ink: "regressed", rank: 4 }],
  ["fail", { word: "beyond margin", sign: "✕", ink: "fail", rank: 0 }],
  ["futile", { word: "will not pass", sign: "−", ink: "fail", rank: 1 }],
  ["hold-insufficient", { word: "not decided", sign: "○", ink: "waiting", rank: 3 }],
  ["hold-conflict", { word: "contradicted", sign: "↔", ink: "doubt", rank: 2 }],
  ["hold-instrument", { word: "in doubt", sign: "△", ink: "doubt", rank: 2 }],
]);

const BOUNDS = new Map([
  ["risk", "limited by the harm budget"],
  ["reaction", "limited by the time to notice and undo a break"],
  ["capacity", "limited by what the candidate can take"],
  ["ladder", "one rung of the ladder"],
  ["policy", "limited by the policy"],
  ["verdict", "follows from the verdict"],
]);

/** `tool_calls` as `Tool calls`, `label:exact` as `Label: exact`. */
const fromSpelling = (name) => {
  const spaced = name.replaceAll("_", " ").replaceAll(":", ": ");
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
};

/** A metric: `ttft_p95` is `Time to first token, p95`. */
export function metric(name) {
  const parts = /^(.*)_(p\d+)$/.exec(name);
  const [stem, quantile] = parts ? [parts[1], parts[2]] : [name, null];
  const words = METRICS.get(stem) ?? fromSpelling(stem);
  return quantile ? `${words}, ${quantile}` : words;
}

/** A part of the traffic, where it is not all of it. */
export const segment = (name) => (name === "all" || !name ? "" : name === "canary" ? "served traffic" : name);

/** A guardrail's state: word, sign, ink, and rank with the worst first. */
export const state = (name) => STATES.get(name) ?? { word: String(name), sign: "?", ink: "doubt", rank: 2 };

/** Which bound decided the next weight. */
export const bound = (name) => BOUNDS.get(name) ?? `limited by: ${name}`;

const GUARDS = new Map([
  ["off", "off"],
  ["idle", "idle"],
  ["watching", "watching"],
  ["hard-stops", "hard stops only"],
  ["standing-in", "standing in"],
]);

/** A live guard's state in words. */
export const guard = (name) => GUARDS.get(name) ?? String(name);

/** A verdict as people read it. */
export const verdict = (name) => String(name).toUpperCase();

/** A kind of error or a reason. */
export const reason = (name) => String(name).replaceAll("_", " ").replaceAll("-", " ");

/** An arm in a role. */
export function arm(arm, role) {
  if (role === "served") return arm === "baseline" ? "Baseline" : "Candidate";
  if (role === "shadow") return arm === "candidate" ? "Candidate, shadow" : "Baseline, shadow";
  if (role === "repeat") return "Baseline, repeated";
  return `${arm}, ${role}`;
}
