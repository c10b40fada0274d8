// The live arms side by side: a line a measure, a column an arm, differences against what the baseline serves.

import { compareQuantiles, compareShares } from "./health.js";
import { change, count, micros, money, perSecond, points, share, several, span } from "./format.js";
import { element, list, text, attribute } from "./dom.js";
import { arm as armWords, reason } from "./words.js";

const ORDER = ["baseline served", "candidate served", "candidate shadow", "baseline repeat"];
const rank = (one) => (ORDER.indexOf(`${one.arm} ${one.role}`) + ORDER.length + 1) % (ORDER.length + 1);
const keyOf = (one) => `${one.arm} ${one.role}`;
const each = (total, requests) => (requests > 0 ? total / requests : null);

/** A cell: a value, a remark below it, a difference and whether it is `worse`, `better` or neither. */
const cell = (value, remark = "", difference = "", mark = null) => ({ value, remark, difference, mark });

const ofQuantile = (key, quantile) => (one, base) => {
  const [value, before] = [one[key]?.[quantile], base?.[key]?.[quantile]];
  if (!base || !(before > 0) || !(value > 0)) return cell(micros(value));
  return cell(micros(value), "", change(value / before), compareQuantiles(quantile, value, before, Math.min(one.requests, base.requests)));
};

const ofShare = (key, remark) => (one, base) => {
  const value = each(one[key], one.requests);
  const shown = cell(share(value), remark(one));
  if (!base || value === null || !(base.requests > 0)) return shown;
  const mark = compareShares(one[key], one.requests, base[key], base.requests);
  return { ...shown, difference: points(value - base[key] / base.requests), mark };
};

const ofMean = (total, spell, remark) => (one, base) => {
  const value = each(total(one), one.requests);
  const shown = cell(spell(value), remark(one));
  const before = base ? each(total(base), base.requests) : null;
  if (!base || !(before > 0) || value === null) return shown;
  return { ...shown, difference: change(value / before) };
};

/** Kinds of errors, the most frequent first, two of them. */
function kinds(one) {
  const found = Object.entries(one.errors_by_kind ?? {}).filter(([, number]) => number > 0);
  found.sort(([, a], [, b]) => b - a);
  const [first, second] = found.map(([kind, number]) => `${count(number)} ${reason(kind)}`);
  const more = found.length > 2 ? ` +${found.length - 2}` : "";
  return first ? `${first}${second ? `, ${second}${more}` : ""}` : "";
}

const of = (part, whole, words) => (whole > 0 && part > 0 ? `${share(part / whole)} ${words}` : "");

const ROWS = [
  ["Requests", (one) => cell(count(one.requests), perSecond(one.per_second))],
  ["Errors", ofShare("errors", kinds)],
  ["First token, p50", ofQuantile("ttft_us", "p50")],
  ["First token, p95", ofQuantile("ttft_us", "p95")],
  ["First token, p99", ofQuantile("ttft_us", "p99")],
  ["Total time, p50", ofQuantile("duration_us", "p50")],
  ["Total time, p95", ofQuantile("duration_us", "p95")],
  ["Total time, p99", ofQuantile("duration_us", "p99")],
  ["Per output token, p95", ofQuantile("output_token_us", "p95")],
  ["Prompt tokens each", ofMean((one) => one.tokens.prompt, count, (one) => of(one.tokens.cached, one.tokens.prompt, "cached"))],
  ["Answer tokens each", ofMean((one) => one.tokens.completion, count, (one) => of(one.tokens.reasoning, one.tokens.completion, "thinking"))],
  ["Money", (one) => cell(money(one.cost_nanos), one.unpriced > 0 ? `${count(one.unpriced)} unpriced` : "")],
  ["Money per 1,000", ofMean((one) => one.cost_nanos * 1000, money, () => "")],
  ["Blocked by moderation", ofShare("moderation_blocks", (one) => (one.moderation_blocks > 0 ? count(one.moderation_blocks) : ""))],
  ["Stopped by the guard", ofShare("guard_blocks", (one) => (one.guard_blocks > 0 ? count(one.guard_blocks) : ""))],
].map(([name, read]) => ({ name, read }));

function makeHead() {
  const root = element("th");
  root.scope = "col";
  const word = element("span");
  const provider = element("bdi", "muted");
  root.append(word, provider);
  return { root, word, provider };
}

function updateHead(entry, one) {
  text(entry.word, armWords(one.arm, one.role));
  text(entry.provider, one.provider);
  attribute(entry.root, "class", `arm-${one.arm} role-${one.role}`);
}

function makeCell() {
  const root = element("td");
  const value = element("span", "value");
  const difference = element("span", "difference");
  const remark = element("span", "remark");
  root.append(value, difference, remark);
  return { root, value, difference, remark };
}

function updateCell(entry, { value, remark, difference, mark }) {
  text(entry.value, value);
  // A mark is a sign as well as a colour.
  text(entry.difference, mark === "worse" ? `▲ ${difference}` : mark === "better" ? `▼ ${difference}` : difference);
  attribute(entry.difference, "class", mark ? `difference ${mark}` : "difference");
  attribute(entry.difference, "title", mark ? `${mark} than the baseline, and hardly by chance` : null);
  text(entry.remark, remark);
}

function makeRow(line) {
  const root = element("tr");
  const head = element("th", "", line.name);
  head.scope = "row";
  root.append(head);
  return { root };
}

/** Writes the arms of a migration into its card's slots. */
export function showArms(slot, migration) {
  const arms = [...migration.arms].sort((a, b) => rank(a) - rank(b));
  const base = arms.find((one) => one.arm === "baseline" && one.role === "served");
  const seconds = arms[0]?.window_seconds;
  text(slot["arms-title"], seconds > 0 ? `Live: the last ${span(seconds)}` : "Live");
  list(slot["arms-head"], arms, keyOf, makeHead, updateHead);
  list(slot.arms, ROWS, (line) => line.name, makeRow, (entry, line) => {
    list(entry.root, arms, keyOf, makeCell, (inner, one) => updateCell(inner, line.read(one, one === base ? null : base)));
  });
  const remarks = [];
  if (base?.fallbacks > 0) remarks.push(`${several(base.fallbacks, "request", "requests")} fell back from the candidate; they count as the baseline's.`);
  const unfit = arms.reduce((sum, one) => sum + (one.unfit ?? 0), 0);
  if (unfit > 0) remarks.push(`${several(unfit, "request", "requests")} stayed since the start because the candidate cannot serve them.`);
  const estimated = arms.reduce((sum, one) => sum + one.tokens.estimated, 0);
  if (estimated > 0) remarks.push(`Tokens of ${several(estimated, "request", "requests")} are estimates: the provider did not tell.`);
  text(slot["arms-note"], remarks.join(" "));
}
