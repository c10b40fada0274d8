// The card of one migration: how it is in one line, what is decided, what is live, and the three things one can do.

import { showArms } from "./arms.js";
import { makeCharts } from "./charts.js";
import { attribute, byId, element, fromTemplate, length, list, shown, text } from "./dom.js";
import { count, money, percent, several, share, span } from "./format.js";
import { showGuardrails } from "./guardrails.js";
import { armOf, candidateOf, headline, signs } from "./health.js";
import { bound, guard as guardWords, metric, verdict as verdictWords } from "./words.js";

const SIGNS = new Map([["well", "✓"], ["warn", "!"], ["bad", "✕"], ["idle", "○"], ["unknown", "?"]]);
const NOTICES_MAX = 8;

/** Notices as a list; the first one may already stand in a headline. */
export function showNotices(parent, found) {
  shown(parent, found.length > 0);
  list(
    parent,
    found.slice(0, NOTICES_MAX),
    (sign) => `${sign.level} ${sign.text}`,
    (sign) => {
      const root = element("li", sign.level);
      const mark = element("span", "sign", sign.level === "bad" ? "✕" : sign.level === "warn" ? "!" : "i");
      mark.setAttribute("aria-hidden", "true");
      root.append(mark, element("span", "", sign.text));
      return { root };
    },
    () => {},
  );
}

function showVerdict(slot, migration, now_us) {
  const { verdict } = migration;
  text(slot.verdict, verdict ? verdictWords(verdict.verdict) : "none yet");
  const word = verdict && ["go", "hold", "no-go"].includes(verdict.verdict) ? verdict.verdict : "none";
  attribute(slot.verdict, "class", `pill ${word}${verdict && (!verdict.matches || verdict.stale) ? " past" : ""}`);
  const detail = !verdict
    ? "nothing was judged"
    : `${span((now_us - verdict.received_us) / 1e6)} ago at ${percent(verdict.weight_percent)}${verdict.stale ? ", stale" : verdict.matches ? "" : ", another epoch"}`;
  text(slot["verdict-detail"], detail);
  const next = verdict?.matches && !verdict.stale ? verdict.next_weight_percent : null;
  text(slot.next, percent(next));
  text(slot["next-detail"], next === null ? "needs a verdict on this epoch" : bound(verdict.next_weight_bound));
}

function showWeight(slot, migration, now_us) {
  text(slot.weight, percent(migration.weight_percent));
  length(slot["weight-bar"], migration.weight_percent / 100);
  // An epoch is the millisecond in which it began.
  const since = span((now_us - migration.epoch * 1000) / 1e6);
  text(slot["weight-detail"], `for ${since}; epoch ${migration.epoch}`);
  const paused = migration.shadow_paused !== null;
  text(slot.mirrored, paused ? "paused" : percent(migration.shadow_percent));
  const shadow = armOf(migration, "candidate", "shadow");
  const copies = shadow ? `${several(shadow.requests, "copy", "copies")} lately` : "no copies";
  text(slot["mirrored-detail"], paused ? `${percent(migration.shadow_percent)} otherwise` : copies);
}

function showGuard(slot, migration) {
  const guard = migration.live_guard;
  const near = guard?.nearest ?? null;
  text(slot.guard, guard ? guardWords(guard.state) : "none");
  // How far the nearest alarm is: full is an alarm.
  length(slot["guard-bar"], near ? near.progress : 0);
  const seen = guard ? `${several(guard.candidate_requests, "request", "requests")} of the candidate, ${count(guard.baseline_requests)} of the baseline` : "";
  const nearest = near && near.progress > 0 ? `; ${metric(near.metric)} at ${share(near.progress)} of an alarm` : "";
  text(slot["guard-detail"], guard && guard.state !== "off" && guard.state !== "idle" ? `${seen}${nearest}` : "nothing to watch");
}

function showMoney(slot, migration) {
  const each = (arm) => (arm?.requests > 0 ? (arm.cost_nanos / arm.requests) * 1000 : null);
  const [before, after] = [each(armOf(migration, "baseline", "served")), each(candidateOf(migration))];
  text(slot.money, after === null ? money(before) : money(after));
  if (after === null || before === null) text(slot["money-detail"], after === null ? "of the baseline" : "of the candidate");
  else text(slot["money-detail"], `candidate; the baseline ${money(before)}`);
}

function showHeadline(slot, migration, found, live) {
  const answer = live
    ? headline(migration, found)
    : { condition: "Unknown", level: "unknown", sentence: "These numbers are old: the gateway is not heard." };
  attribute(slot.card, "data-level", answer.level);
  text(slot.sign, SIGNS.get(answer.level));
  text(slot.condition, answer.condition);
  text(slot.sentence, ` ${answer.sentence}`);
  return answer;
}

/** Makes a card; `act` has what its buttons do. */
export function makeCard(act) {
  const { root, slot } = fromTemplate("migration-template");
  const entry = { root, slot, seen: {}, charts: makeCharts(slot.charts), migration: null, level: "unknown" };
  slot.change.addEventListener("click", () => act.changeWeight(entry.migration));
  slot.rollback.addEventListener("click", () => act.rollBack(entry.migration));
  slot.shadow.addEventListener("click", () => act.pauseShadow(entry.migration));
  entry.leave = () => entry.charts.leave();
  return entry;
}

/** Writes a migration into its card. `live` says whether the document is news. */
export function updateCard(entry, migration, document, series, live) {
  const { slot } = entry;
  entry.migration = migration;
  text(slot.name, migration.name);
  attribute(slot.heading, "title", migration.name);
  text(slot.baseline, migration.baseline);
  text(slot.candidate, migration.candidate);
  const found = signs(migration, document);
  const answer = showHeadline(slot, migration, found, live);
  entry.level = answer.level;
  showNotices(slot.notices, live ? found.filter((sign) => sign.text !== answer.sentence) : found);
  showVerdict(slot, migration, document.at_us);
  showWeight(slot, migration, document.at_us);
  showGuard(slot, migration);
  showMoney(slot, migration);
  const mirrors = migration.shadow_percent > 0 || migration.arms.some((one) => one.role !== "served");
  shown(slot.shadow, mirrors || migration.shadow_paused !== null);
  text(slot.shadow, migration.shadow_paused ? "Resume shadow" : "Pause shadow");
  showArms(slot, migration);
  showGuardrails(slot, migration, document.at_us, entry.seen);
  entry.charts.show(series, migration.name, document.at_us);
}

/** Links to the cards, where there are several: each with its sign and its weight. */
export function showOverview(cards) {
  const parent = byId("overview");
  shown(parent, cards.length > 1);
  list(
    parent,
    cards.length > 1 ? cards : [],
    (card) => card.migration.name,
    () => {
      const root = element("button", "chip");
      root.type = "button";
      const entry = { root, sign: element("span", "sign"), name: element("bdi"), weight: element("span", "muted"), card: null };
      root.append(entry.sign, entry.name, entry.weight);
      root.addEventListener("click", () => {
        entry.card.root.scrollIntoView();
        entry.card.slot.heading.focus({ preventScroll: true });
      });
      return entry;
    },
    (entry, card) => {
      entry.card = card;
      attribute(entry.root, "data-level", card.level);
      text(entry.sign, SIGNS.get(card.level));
      text(entry.name, card.migration.name);
      text(entry.weight, percent(card.migration.weight_percent));
      attribute(entry.root, "aria-label", `${card.migration.name}: ${card.slot.condition.textContent}, ${percent(card.migration.weight_percent)}`);
    },
  );
}
