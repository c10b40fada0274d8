// What belongs to the gateway and not to one migration: plumbing, providers, guards, prices, consumers, audit trail.

import { attribute, byId, element, length, lines, list, row, shown, text } from "./dom.js";
import { bytes, count, instant, micros, moment, money, percent, several, span } from "./format.js";
import { LEFT_PERCENT } from "./health.js";
import { reason } from "./words.js";

const AUDIT_MAX = 100;

const facts = (items) =>
  list(
    byId("plumbing"),
    items,
    ({ name }) => name,
    ({ name }) => {
      const root = element("div");
      const value = element("dd");
      root.append(element("dt", "", name), value);
      return { root, value };
    },
    (entry, item) => {
      text(entry.value, item.value);
      attribute(entry.root, "class", item.level ?? null);
    },
  );

function plumbing({ shadow, records, overhead_us, in_flight, shed }) {
  const reasons = Object.entries(shadow.dropped_by_reason ?? {}).filter(([, number]) => number > 0);
  const dropped = reasons.length > 0 ? ` (${reasons.map(([why, number]) => `${reason(why)} ${count(number)}`).join(", ")})` : "";
  const bound = shadow.cost_per_day_max_nanos === null ? "" : ` of ${money(shadow.cost_per_day_max_nanos)}`;
  const quantiles = overhead_us ? `${micros(overhead_us.p50)} · ${micros(overhead_us.p95)} · ${micros(overhead_us.p99)}` : "–";
  facts([
    { name: "Requests in flight", value: `${count(in_flight)}${shed > 0 ? `, ${count(shed)} turned away since the start` : ""}`, level: shed > 0 ? "warn" : null },
    { name: "Gateway's overhead, p50 · p95 · p99", value: quantiles },
    { name: "Copies waiting or under way", value: `${count(shadow.held)} of ${count(shadow.queue_jobs_max)} (${bytes(shadow.held_bytes)})` },
    { name: "Copies finished", value: count(shadow.finished) },
    { name: "Copies dropped", value: `${count(shadow.dropped)}${dropped}`, level: shadow.dropped > 0 ? "warn" : null },
    { name: "Spent on copies today", value: `${money(shadow.spent_today_nanos)}${bound}` },
    ...(records
      ? [
          { name: "Records written", value: `${count(records.written)}, ${count(records.queue_lines)} waiting` },
          { name: "Records lost", value: count(records.lost), level: records.lost > 0 || !records.healthy ? "bad" : null },
        ]
      : [{ name: "Records", value: "not kept" }]),
  ]);
}

/** What a circuit breaker's state means for whoever calls: not everybody knows that a closed one lets calls through. */
const BREAKER = { closed: "called", open: "left alone", half_open: "being tried", off: "called" };

function breaker(cell, side) {
  const word = side?.breaker ?? null;
  text(cell, word === null ? "–" : (BREAKER[word] ?? reason(word)));
  attribute(cell, "title", word === null ? null : `breaker: ${reason(word)}`);
  attribute(cell, "class", word === null || word === "closed" || word === "off" ? null : word === "open" ? "bad" : "warn");
}

const providers = (items) =>
  list(byId("providers"), items, ({ name }) => name, () => row(["name", "", "number", "", "number"]), ({ cells }, provider) => {
    text(cells[0], provider.name);
    breaker(cells[1], provider.serving);
    text(cells[2], count(provider.serving?.in_flight));
    breaker(cells[3], provider.mirroring);
    text(cells[4], count(provider.mirroring?.in_flight));
  });

function guards(items) {
  shown(byId("guards-part"), items.length > 0);
  list(byId("guards"), items, ({ backend }) => backend, () => row(["name", "", "number", "number"]), ({ cells }, guard) => {
    text(cells[0], guard.backend);
    breaker(cells[1], guard);
    text(cells[2], count(guard.checks));
    text(cells[3], count(guard.failures));
  });
}

function prices({ age_days, stale }) {
  text(byId("prices-age"), age_days === null ? "No prices." : `Last compared with their sources ${several(age_days, "day", "days")} ago.`);
  attribute(byId("prices-age"), "class", stale.length > 0 ? "warn" : null);
  lines(byId("prices-stale"), stale.slice(0, 12).map(({ provider, model }) => `${provider} ${model} is stale`));
}

function makeQuota() {
  const root = element("div", "quota");
  const words = element("span", "words");
  const track = element("span", "bar");
  const bar = element("span");
  track.append(bar);
  track.setAttribute("aria-hidden", "true");
  root.append(words, track);
  return { root, words, bar };
}

function updateQuota(entry, quota) {
  const spell = quota.unit === "nano_dollars" ? money : count;
  const unit = quota.unit === "nano_dollars" ? "" : ` ${reason(quota.unit)}`;
  const aside = quota.set_aside > 0 ? `${spell(quota.set_aside)} set aside` : "";
  const again = quota.resets_us === null ? "" : `full again in ${span(quota.resets_us / 1e6)}`;
  const used = `${spell(quota.used)} of ${spell(quota.max)}${unit}`;
  text(entry.words, [quota.limit, used, aside, `${percent(quota.left_percent)} left`, again].filter(Boolean).join(" · "));
  length(entry.bar, 1 - quota.left_percent / 100);
  attribute(entry.root, "class", quota.left_percent < LEFT_PERCENT ? "quota warn" : "quota");
}

function consumers({ consumers: items, consumers_left_out, usage_kept }) {
  list(byId("consumers"), items, ({ name }) => name, () => row(["name", "number", "number", "number", "quotas"]), ({ cells }, consumer) => {
    text(cells[0], consumer.name);
    text(cells[1], count(consumer.today?.requests));
    text(cells[2], count(consumer.today?.tokens));
    text(cells[3], money(consumer.today?.cost_nanos));
    list(cells[4], consumer.quotas, (quota) => `${quota.limit} ${quota.unit}`, makeQuota, updateQuota);
  });
  const note = items.length === 0 ? (usage_kept === false ? "Usage is not kept: configure [quota_store]." : "No consumer has called today.") : consumers_left_out > 0 ? `${several(consumers_left_out, "consumer", "consumers")} with less money today ${consumers_left_out === 1 ? "is" : "are"} not shown.` : "";
  text(byId("consumers-note"), note);
}

/** What a change was: `10 % → 25 %`, `shadow paused`. */
function whatChanged(change) {
  const moved = change.from_percent !== null && change.from_percent !== undefined && change.to_percent !== null && change.to_percent !== undefined;
  const weights = moved ? `${percent(change.from_percent)} → ${percent(change.to_percent)}` : "";
  if (!change.what || change.what === "weight") return weights;
  return [reason(change.what), weights].filter(Boolean).join(", ");
}

function audit({ audit: changes, at_us }) {
  const newest = changes.map((change) => ({ ...change, us: instant(change.at) })).sort((a, b) => (b.us ?? 0) - (a.us ?? 0));
  const visible = newest.slice(0, AUDIT_MAX);
  list(
    byId("audit"),
    visible,
    (change) => [change.at, change.migration, change.what, change.epoch, change.replica].join(" "),
    () => {
      const entry = row(["when", "", "short", "reason", "short"]);
      entry.time = element("time");
      entry.cells[0].append(entry.time);
      return entry;
    },
    ({ cells, time }, change) => {
      text(time, change.us === null ? change.at : moment(change.us, at_us));
      attribute(time, "datetime", change.at);
      attribute(time, "title", change.at);
      text(cells[1], change.migration);
      text(cells[2], whatChanged(change));
      text(cells[3], change.reason ?? "");
      text(cells[4], [change.who, change.replica].filter(Boolean).join(" · "));
    },
  );
  const rest = newest.length - visible.length;
  text(byId("audit-note"), newest.length === 0 ? "Nothing has been changed since the start." : rest > 0 ? `And ${several(rest, "earlier change", "earlier changes")}.` : "");
}

/** Writes everything of the gateway that is not of one migration. */
export function showHouse(document) {
  plumbing(document);
  providers(document.providers);
  guards(document.guards);
  prices(document.prices);
  consumers(document);
  audit(document);
}
