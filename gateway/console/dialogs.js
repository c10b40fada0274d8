// The three changes that can be made here, each asked for in a dialog with a reason. Raising the weight takes a second
// look at what will happen; getting to safety does not.

import { pauseShadow, rollBack, setWeight, weightOf } from "./api.js";
import { byId, shown, text } from "./dom.js";
import { percent } from "./format.js";
import { verdict as verdictWords } from "./words.js";

/** Runs a change with its button disabled; what the gateway says against it is shown where it was asked. */
async function attempt(button, failure, change, onRefused) {
  text(failure, "");
  button.disabled = true;
  try {
    await change();
    return true;
  } catch (refused) {
    text(failure, refused.message);
    await onRefused?.(refused);
    return false;
  } finally {
    button.disabled = false;
  }
}

/** A reason that is not only blanks; the field says what is missing. */
function reasonIn(field) {
  const reason = field.value.trim();
  field.setCustomValidity(reason ? "" : "Say why: it stays in the audit trail.");
  if (!reason) field.reportValidity();
  return reason;
}

/** The dialog of one kind of change: opens, closes, and submits while it is open. */
function dialog(name, onSubmit) {
  const box = byId(`${name}-dialog`);
  const reason = byId(`${name}-reason`);
  byId(`${name}-cancel`).addEventListener("click", () => box.close());
  reason.addEventListener("input", () => reason.setCustomValidity(""));
  byId(`${name}-form`).addEventListener("submit", (event) => {
    event.preventDefault();
    onSubmit();
  });
  return {
    reason,
    open() {
      reason.value = "";
      text(byId(`${name}-failure`), "");
      box.showModal();
    },
    close: () => box.close(),
  };
}

function makeWeight(onDone, onSignedOut) {
  const number = byId("weight-number");
  const go = byId("weight-go");
  // What was shown when it was asked for: the change is made to that and to nothing newer.
  let asked = null;
  const box = dialog("weight", () => (byId("weight-confirm").hidden ? look() : make()));

  function step(confirming) {
    shown(byId("weight-ask"), !confirming);
    shown(byId("weight-confirm"), confirming);
    text(byId("weight-cancel"), "Cancel");
    text(go, confirming ? `Change to ${percent(number.valueAsNumber)}` : "Next");
  }

  function ask(weight_percent, epoch) {
    asked = { ...asked, weight_percent, epoch };
    text(byId("weight-from"), percent(weight_percent));
    step(false);
  }

  function look() {
    if (!reasonIn(box.reason)) return;
    const to = number.valueAsNumber;
    const { weight_percent: from, migration } = asked;
    text(byId("weight-failure"), "");
    if (to === from) {
      text(byId("weight-failure"), `It is ${percent(from)} already.`);
      return;
    }
    text(byId("weight-move-from"), percent(from));
    text(byId("weight-move-to"), percent(to));
    text(byId("weight-meaning"), to > from ? `${migration.candidate} gets more conversations; those it has stay with it.` : `${migration.baseline} gets conversations back.`);
    const warning = doubt(migration, from, to);
    text(byId("weight-warning"), warning);
    shown(byId("weight-warning"), warning !== "");
    text(byId("weight-reason-shown"), box.reason.value.trim());
    step(true);
    byId("weight-move").focus();
  }

  async function make() {
    const { migration, epoch } = asked;
    const to = number.valueAsNumber;
    const done = await attempt(go, byId("weight-failure"), () => setWeight(migration.name, to, box.reason.value.trim(), epoch), refused);
    if (!done) return;
    box.close();
    onDone(`${migration.name}: the weight was set to ${percent(to)}.`);
  }

  /** Somebody was faster: shows what is in force now, and asks again. */
  async function refused({ status }) {
    if (status === 401) {
      box.close();
      onSignedOut();
    }
    if (status !== 412) return;
    try {
      const now = await weightOf(asked.migration.name);
      ask(now.weight_percent, now.epoch);
      text(byId("weight-failure"), `Somebody was faster: the weight is ${percent(now.weight_percent)} now. Nothing was changed. Decide again.`);
      number.focus();
    } catch {
      box.close();
    }
  }

  return function open(migration) {
    asked = { migration };
    text(byId("weight-name"), migration.name);
    number.value = "";
    const { verdict } = migration;
    const next = verdict?.matches && !verdict.stale && verdict.next_weight_percent !== migration.weight_percent ? verdict.next_weight_percent : null;
    const suggestion = byId("weight-suggestion");
    shown(suggestion, next !== null);
    text(suggestion, `${percent(next)}, as the verdict says`);
    suggestion.onclick = () => {
      number.value = next;
      box.reason.focus();
    };
    ask(migration.weight_percent, migration.epoch);
    box.open();
    number.focus();
  };
}

/** What speaks against raising the weight, in a sentence; empty where nothing does. */
function doubt(migration, from, to) {
  if (to <= from) return "";
  const { verdict } = migration;
  if (!verdict) return "No verdict has been published: nothing proves that this is safe.";
  if (verdict.stale) return "The last verdict is stale.";
  if (!verdict.matches) return "The last verdict is about another epoch.";
  if (verdict.verdict !== "go") return `The verdict is ${verdictWords(verdict.verdict)}: the evidence does not allow more.`;
  if (to > verdict.next_weight_percent) return `The verdict allows ${percent(verdict.next_weight_percent)}, not more.`;
  return "";
}

/** A change that takes one step: a reason and a button. */
function makeSimple(name, onDone, onSignedOut, { prepare, change, done }) {
  let migration = null;
  const go = byId(`${name}-go`);
  const box = dialog(name, async () => {
    const reason = reasonIn(box.reason);
    if (!reason) return;
    const refused = ({ status }) => {
      if (status !== 401) return;
      box.close();
      onSignedOut();
    };
    if (!(await attempt(go, byId(`${name}-failure`), () => change(migration, reason), refused))) return;
    box.close();
    onDone(done(migration));
  });
  return function open(one) {
    migration = one;
    text(byId(`${name}-name`), one.name);
    prepare(one);
    box.open();
    box.reason.focus();
  };
}

/** What the buttons of a card do: `{changeWeight, rollBack, pauseShadow}`, each given a migration. */
export function makeDialogs({ onDone, onSignedOut }) {
  return {
    changeWeight: makeWeight(onDone, onSignedOut),
    rollBack: makeSimple("rollback", onDone, onSignedOut, {
      prepare(migration) {
        text(byId("rollback-from"), percent(migration.weight_percent));
        text(byId("rollback-baseline"), migration.baseline);
      },
      change: (migration, reason) => rollBack(migration.name, reason),
      done: (migration) => `${migration.name}: rolled back, the candidate serves 0 %.`,
    }),
    pauseShadow: makeSimple("shadow", onDone, onSignedOut, {
      prepare(migration) {
        const pausing = migration.shadow_paused === null;
        text(byId("shadow-verb"), pausing ? "Pause" : "Resume");
        text(byId("shadow-go"), pausing ? "Pause now" : "Resume now");
        text(
          byId("shadow-meaning"),
          pausing
            ? "No request is mirrored from now on; copies under way end. Without copies there are no new pairs, and no new evidence."
            : `${percent(migration.shadow_percent)} of the baseline's conversations are mirrored again.`,
        );
      },
      change: (migration, reason) => pauseShadow(migration.name, migration.shadow_paused === null, reason),
      done: (migration) => `${migration.name}: the shadow is ${migration.shadow_paused === null ? "paused" : "on again"}.`,
    }),
  };
}
