// The last verdict's guardrails, each as a bar from its lower to its upper bound against the margin, with its course over
// the earlier looks. A verdict changes seldom: nothing here is touched until another one has come.

import { attribute, drawn, fromTemplate, lines, list, shown, text } from "./dom.js";
import { count, instant, moment, percent, points, several, span } from "./format.js";
import { metric, segment, state as stateWords, verdict as verdictWords } from "./words.js";

/** A verdict by segments may have hundreds; more are named by their number only. */
const GUARDRAILS_MAX = 60;
const REASONS_MAX = 6;
const TRACK = { width: 240, height: 22 };
const COURSE = { width: 96, height: 22 };

const finite = (value) => typeof value === "number" && Number.isFinite(value);
const neutral = (guardrail) => (guardrail.scale === "ratio" ? 1 : 0);

/**
 * Where a value lies, as seen from the margin (0): a unit is from there to "no difference", which is -1, or 1 where the
 * margin demands an improvement. A margin at no difference itself has the unit of its scale.
 */
function place(guardrail, value) {
  const length = Math.abs(guardrail.margin - neutral(guardrail));
  return (value - guardrail.margin) / (length > 0 ? length : 1);
}

/** The track shows places from -2 to 1, the margin at two thirds; what lies beyond ends at its edge. */
const x = (at) => (Math.min(1, Math.max(-2, at)) + 2) * (TRACK.width / 3);

function drawTrack(parent, guardrail, ink) {
  const { width, height } = TRACK;
  const middle = height / 2;
  const margin = x(0);
  const equal = x(place(guardrail, neutral(guardrail)));
  const [low, high] = [guardrail.lower, guardrail.upper].map((value) => (finite(value) ? x(place(guardrail, value)) : null));
  const svg = drawn("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true", class: `ink-${ink}` });
  svg.append(
    drawn("rect", { class: "beyond", x: margin, y: 0, width: width - margin, height }),
    drawn("line", { class: "grid", x1: equal, x2: equal, y1: 2, y2: height - 2 }),
    drawn("line", { class: "margin", x1: margin, x2: margin, y1: 0, y2: height }),
  );
  if (finite(guardrail.estimate) || low !== null || high !== null) {
    svg.append(drawn("line", { class: "range", x1: low ?? 0, x2: high ?? width, y1: middle, y2: middle }));
    if (high !== null) svg.append(drawn("line", { class: "end", x1: high, x2: high, y1: middle - 5, y2: middle + 5 }));
  }
  // What lies beyond an edge is pointed at.
  const [least, most] = [guardrail.lower, guardrail.upper].map((value) => (finite(value) ? place(guardrail, value) : null));
  if (most !== null && most > 1) svg.append(drawn("path", { class: "spot", d: `M${width} ${middle} l-9 -6 v12 z` }));
  if (least !== null && least < -2) svg.append(drawn("path", { class: "spot", d: `M0 ${middle} l9 -6 v12 z` }));
  if (finite(guardrail.estimate)) {
    const at = x(place(guardrail, guardrail.estimate));
    svg.append(drawn("line", { class: "estimate", x1: at, x2: at, y1: middle - 4, y2: middle + 4 }));
  }
  parent.replaceChildren(svg);
}

/** The upper bound over the looks, against the margin: closing in on it is what evidence does. */
function drawCourse(parent, guardrail, looks, ink) {
  const places = looks.filter((look) => finite(look.upper) && finite(look.margin)).map((look) => place({ ...guardrail, margin: look.margin }, look.upper));
  if (places.length < 2) {
    parent.replaceChildren();
    return;
  }
  const { width, height } = COURSE;
  const top = Math.max(0.25, Math.min(2, Math.max(...places)));
  const bottom = Math.min(-1, Math.max(-2, Math.min(...places)));
  const y = (at) => height - 2 - ((Math.min(top, Math.max(bottom, at)) - bottom) / (top - bottom)) * (height - 4);
  const spots = places.map((at, index) => [2 + (index / (places.length - 1)) * (width - 4), y(at)]);
  const svg = drawn("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true", class: `ink-${ink}` });
  svg.append(
    drawn("line", { class: "margin", x1: 0, x2: width, y1: y(0), y2: y(0) }),
    drawn("polyline", { class: "line", points: spots.map(([a, b]) => `${a.toFixed(1)},${b.toFixed(1)}`).join(" ") }),
    drawn("circle", { class: "spot", cx: spots.at(-1)[0].toFixed(1), cy: spots.at(-1)[1].toFixed(1), r: 2.5 }),
  );
  parent.replaceChildren(svg);
}

/** A value on the guardrail's scale: points of a share, or a change in percent. */
function spelled(guardrail, value) {
  if (!finite(value)) return "unbounded";
  if (guardrail.scale === "ratio") {
    const change = (value - 1) * 100;
    return `${change > 0 ? "+" : change < 0 ? "−" : ""}${Math.abs(change).toFixed(Math.abs(change) >= 10 ? 0 : 1)}\u00a0%`;
  }
  return points(value);
}

function updateRow(entry, { guardrail, looks }) {
  const { slot } = entry;
  const words = stateWords(guardrail.state);
  attribute(slot.row, "class", `guardrail ink-${words.ink}${guardrail.decides ? "" : " aside"}`);
  text(slot.sign, words.sign);
  text(slot.name, metric(guardrail.metric));
  const where = segment(guardrail.segment);
  text(slot.segment, [where, guardrail.decides ? "" : "does not decide"].filter(Boolean).join(" · "));
  text(slot.state, words.word);
  const estimate = finite(guardrail.estimate) ? `${spelled(guardrail, guardrail.estimate)}, ` : "";
  text(slot.numbers, `${estimate}at most ${spelled(guardrail, guardrail.upper)}; margin ${spelled(guardrail, guardrail.margin)}; n\u00a0${count(guardrail.n)}`);
  text(slot.why, guardrail.state === "pass" ? "" : guardrail.why);
  attribute(slot.row, "title", guardrail.why || null);
  drawTrack(slot.track, guardrail, words.ink);
  drawCourse(slot.course, guardrail, looks, words.ink);
}

/** Every earlier look at one guardrail, and the last one. */
function looksAt(verdict) {
  const found = new Map();
  for (const look of [...(verdict.course ?? []), verdict]) {
    for (const one of look.guardrails ?? []) {
      const key = `${one.metric}\u0000${one.segment}`;
      if (!found.has(key)) found.set(key, []);
      found.get(key).push(one);
    }
  }
  return found;
}

function need(one) {
  const where = segment(one.segment);
  const pairs = finite(one.pairs) ? several(one.pairs, "more observation", "more observations") : "how much more cannot be said yet";
  const hours = finite(one.hours) ? `, about ${span(one.hours * 3600)} at this rate` : "";
  return `${metric(one.metric)}${where ? ` (${where})` : ""}: ${pairs}${hours}`;
}

function showNone(slot) {
  text(slot["evidence-note"], "No verdict has been published. To put one here: weighbridge evaluate RECORDS --publish URL");
  for (const name of ["reasons", "needed", "guardrails"]) list(slot[name], [], String, String, String);
  text(slot["guardrails-note"], "");
  shown(slot.key, false);
}

/** Writes a verdict into a card's slots; `seen` remembers which one is shown. */
export function showGuardrails(slot, migration, now_us, seen) {
  const { verdict } = migration;
  const key = verdict ? `${verdict.received_us} ${verdict.epoch} ${verdict.matches} ${verdict.stale}` : "none";
  if (verdict) {
    const judged = instant(verdict.created_at);
    const force = verdict.matches ? "the epoch in force" : "another epoch";
    const looks = (verdict.course?.length ?? 0) + 1;
    text(slot["evidence-note"], `${verdictWords(verdict.verdict)} at ${percent(verdict.weight_percent)}, ${force}. Newest evidence ${judged === null ? "–" : moment(judged, now_us)}, published ${span((now_us - verdict.received_us) / 1e6)} ago. ${several(looks, "look", "looks")}.`);
  }
  if (seen.key === key) return;
  seen.key = key;
  if (!verdict) {
    showNone(slot);
    return;
  }
  shown(slot.key, verdict.guardrails.length > 0);
  lines(slot.reasons, verdict.reasons.slice(0, REASONS_MAX));
  lines(slot.needed, verdict.needed.slice(0, REASONS_MAX).map(need));
  shown(slot.needed, verdict.needed.length > 0);
  const looks = looksAt(verdict);
  const sorted = verdict.guardrails
    .map((guardrail, index) => ({ guardrail, index, looks: looks.get(`${guardrail.metric}\u0000${guardrail.segment}`) ?? [] }))
    .sort((a, b) => rank(a.guardrail) - rank(b.guardrail) || a.index - b.index);
  const visible = sorted.slice(0, GUARDRAILS_MAX);
  list(slot.guardrails, visible, ({ guardrail }) => `${guardrail.metric}\u0000${guardrail.segment}`, () => fromTemplate("guardrail-template"), updateRow);
  const rest = sorted.length - visible.length + (verdict.guardrails_left_out ?? 0);
  text(slot["guardrails-note"], rest > 0 ? `${several(rest, "guardrail is", "guardrails are")} not shown here; the verdict's file and the report have all.` : "");
}

/** The worst first; those that do not decide after those that do. */
const rank = (guardrail) => stateWords(guardrail.state).rank * 2 + (guardrail.decides ? 0 : 1);
