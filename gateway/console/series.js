// The last hour of every arm, for the charts: taken over when a stream begins, and continued with the newest point that
// every document carries.
//
// Everything here has a bound: as many points as the gateway keeps, as many weights as fit on a chart, and only arms of
// migrations that are in the document. Pure but for what it keeps; it knows nothing of the page.

const WEIGHTS_MAX = 200;
const FIELDS = ["per_second", "error_share", "ttft_p95_us", "cost_nanos"];

/** The lines of a chart, in this order. What is not here (the repeated baseline) is in the table of arms only. */
export const LINES = ["baseline served", "candidate served", "candidate shadow"];

const keyOf = (one) => `${one.arm} ${one.role}`;
const emptyLine = () => ({ at_us: [], ...Object.fromEntries(FIELDS.map((field) => [field, []])) });

/** The last hour of all migrations. */
export class Series {
  #step_us = 5e6;
  #points = 720;
  #migrations = new Map();
  #changes = 0;

  /** Takes a document: its history, if it has one, else the point that it adds. */
  take(document) {
    if (document.history) this.#replace(document.history);
    const names = new Set(document.migrations.map((migration) => migration.name));
    for (const name of this.#migrations.keys()) if (!names.has(name)) this.#migrations.delete(name);
    for (const migration of document.migrations) this.#add(migration, document.at_us);
  }

  /** Lines by name (see `LINES`), `[at_us, percent]` weights, and a number that is another one when either has changed. */
  of(name) {
    return this.#migration(name);
  }

  /** Length of the charts in seconds. */
  get seconds() {
    return (this.#step_us * this.#points) / 1e6;
  }

  #migration(name) {
    let found = this.#migrations.get(name);
    if (!found) this.#migrations.set(name, (found = { lines: new Map(), weights: [], changes: (this.#changes += 1) }));
    return found;
  }

  #replace(history) {
    this.#step_us = history.step_seconds * 1e6;
    this.#points = history.points;
    this.#migrations.clear();
    for (const [name, arms] of Object.entries(history.migrations)) {
      const migration = this.#migration(name);
      migration.weights = [...(history.weights?.[name] ?? [])].slice(-WEIGHTS_MAX);
      for (const one of arms) {
        const line = emptyLine();
        line.at_us = one.at_us.slice(-this.#points);
        for (const field of FIELDS) line[field] = (one[field] ?? []).slice(-this.#points);
        migration.lines.set(keyOf(one), line);
      }
    }
  }

  #add({ name, weight_percent, arms }, at_us) {
    const migration = this.#migration(name);
    const { weights } = migration;
    let more = false;
    if (weights.length === 0 || weights.at(-1)[1] !== weight_percent) {
      weights.push([at_us, weight_percent]);
      if (weights.length > WEIGHTS_MAX) weights.shift();
      more = true;
    }
    for (const one of arms) {
      if (one.point && LINES.includes(keyOf(one))) more = this.#point(migration.lines, one) || more;
    }
    if (more) migration.changes = this.#changes += 1;
  }

  #point(lines, one) {
    let line = lines.get(keyOf(one));
    if (!line) lines.set(keyOf(one), (line = emptyLine()));
    const { point } = one;
    if (point.at_us <= (line.at_us.at(-1) ?? -Infinity)) return false;
    line.at_us.push(point.at_us);
    for (const field of FIELDS) line[field].push(point[field] ?? null);
    if (line.at_us.length > this.#points) {
      line.at_us.shift();
      for (const field of FIELDS) line[field].shift();
    }
    return true;
  }

  /** One field of all lines on a common axis of time in seconds, as uPlot takes it. */
  columns(name, field) {
    const { lines } = this.#migration(name);
    const found = LINES.map((key) => lines.get(key)).filter(Boolean);
    const times = [...new Set(found.flatMap((line) => line.at_us))].sort((a, b) => a - b);
    const index = new Map(times.map((at_us, place) => [at_us, place]));
    const columns = LINES.map((key) => {
      const column = new Array(times.length).fill(null);
      const line = lines.get(key);
      line?.at_us.forEach((at_us, place) => {
        column[index.get(at_us)] = line[field][place] ?? null;
      });
      return column;
    });
    return [times.map((at_us) => at_us / 1e6), ...columns];
  }
}
