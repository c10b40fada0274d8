// The console: signs in, listens, and shows the newest document.
//
// One way only: a document comes, replaces the one before, and is written onto the page at the next frame. Nothing on the
// page is a source of truth, so a change made here is seen here when the gateway says so, as in every other browser.

import { session, signIn, signOut } from "./api.js";
import { makeDialogs } from "./dialogs.js";
import { attribute, byId, list, shown, text } from "./dom.js";
import { moment, span } from "./format.js";
import { houseSigns } from "./health.js";
import { showHouse } from "./house.js";
import { makeCard, showNotices, showOverview, updateCard } from "./migration.js";
import { Series } from "./series.js";
import { listen } from "./stream.js";

const STREAM = new Map([
  ["closed", ""],
  ["connecting", "Connecting"],
  ["live", "Live"],
  ["reconnecting", "No connection, trying again"],
  ["stopped", "The gateway has stopped"],
]);
const DONE_MS = 8000;
const ENDED = "?ended";
const INKS = new Map([["well", "#0d7444"], ["warn", "#b87600"], ["bad", "#bc242c"], ["idle", "#6b7586"], ["unknown", "#6b7586"]]);

const series = new Series();
let newest = null;
let heard_ms = 0;
let state = "closed";
let stream = null;
let frame = 0;
let done = 0;

const act = makeDialogs({ onDone: sayDone, onSignedOut: lose });

function sayDone(words) {
  text(byId("done"), words);
  clearTimeout(done);
  done = setTimeout(() => text(byId("done"), ""), DONE_MS);
}

/** Takes a document and shows it with the next frame; of several, the newest. */
export function take(document) {
  newest = document;
  heard_ms = performance.now();
  series.take(document);
  schedule();
}

function schedule() {
  // A page that nobody sees is not drawn; it is when it is looked at again.
  if (frame === 0 && !document.hidden) frame = requestAnimationFrame(show);
}

function show() {
  frame = 0;
  if (!newest || byId("main").hidden) return;
  const live = state === "live";
  attribute(document.body, "data-live", live);
  showAbout(live);
  showNotices(byId("house-notices"), houseSigns(newest));
  const cards = [];
  list(byId("migrations"), newest.migrations, ({ name }) => name, () => makeCard(act), (card, migration) => {
    updateCard(card, migration, newest, series, live);
    cards.push(card);
  });
  shown(byId("no-migrations"), newest.migrations.length === 0);
  showOverview(cards);
  shown(byId("house"), true);
  showHouse(newest);
  showWorst(cards, live);
}

function showAbout(live) {
  const { version, replicas, at_us, started_us } = newest;
  const old = live ? "" : `Numbers are ${span((performance.now() - heard_ms) / 1000)} old. `;
  const others = replicas ? `, ${replicas.names.length} ${replicas.names.length === 1 ? "replica" : "replicas"}${replicas.redis_up ? "" : ", Redis away"}` : "";
  text(byId("about"), `${old}${moment(at_us, at_us)}, version ${version}${others}, up ${span((at_us - started_us) / 1e6)}`);
  attribute(byId("about"), "title", replicas ? replicas.names.join(", ") : null);
}

/** The worst card's sign, for a tab that is not in front. */
function showWorst(cards, live) {
  const order = ["bad", "warn", "well", "idle"];
  const worst = live ? cards.map((card) => card.level).sort((a, b) => order.indexOf(a) - order.indexOf(b))[0] : "unknown";
  const bad = cards.find((card) => card.level === worst && (worst === "bad" || worst === "warn"));
  const title = bad ? `${bad.slot.condition.textContent}: ${bad.migration.name} – weighbridge` : live ? "weighbridge" : "? weighbridge";
  if (document.title !== title) document.title = title;
  const disc = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="7" fill="${INKS.get(worst ?? "idle")}"/></svg>`;
  attribute(byId("icon"), "href", `data:image/svg+xml,${encodeURIComponent(disc)}`);
}

function toState(word) {
  state = word;
  attribute(byId("stream"), "data-state", word);
  text(byId("stream-word"), STREAM.get(word));
  schedule();
}

function toLogin() {
  shown(byId("login"), true);
  byId("token").focus();
}

/** Without a session nothing of what was shown stays in the page: it begins anew. */
function leave(how = "") {
  stream?.close();
  location.replace(`/console${how}`);
}

/** The session has ended without anybody signing out: the page that begins anew says so. */
function lose() {
  leave(ENDED);
}

function toConsole() {
  shown(byId("login"), false);
  shown(byId("main"), true);
  shown(byId("sign-out"), true);
  stream = listen({ document: take, state: toState, signedOut: lose });
}

if (location.search === ENDED) {
  text(byId("login-failure"), "Your session is over: twelve hours have passed, or the gateway was started anew.");
}

byId("login-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const field = byId("token");
  const token = field.value;
  byId("login-button").disabled = true;
  text(byId("login-failure"), "");
  try {
    await signIn(token);
    field.value = "";
    toConsole();
  } catch (refused) {
    text(byId("login-failure"), refused.status === 401 ? "This is not the admin token of this gateway." : refused.message);
    field.select();
  } finally {
    byId("login-button").disabled = false;
  }
});

byId("sign-out").addEventListener("click", async () => {
  await signOut().catch(() => null);
  leave();
});

document.addEventListener("visibilitychange", schedule);
// The age of old numbers grows while nothing comes.
setInterval(() => state !== "live" && schedule(), 1000);

if ((await session()) === false) toLogin();
else toConsole();
