// Numbers as people read them. What does not exist is a dash, never a zero. No line breaks between a number and its unit.

const NONE = "–";
const whole = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });
const missing = (value) => value === null || value === undefined || !Number.isFinite(value);

/** Digits so that about three of them say something. */
const digits = (value) => (Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2);

/** A count: `12,480`, `3.41 M`. */
export function count(value) {
  if (missing(value)) return NONE;
  if (Math.abs(value) < 1e6) return whole.format(value);
  const [divisor, unit] = Math.abs(value) < 1e9 ? [1e6, "M"] : [1e9, "G"];
  return `${(value / divisor).toFixed(digits(value / divisor))}\u00a0${unit}`;
}

/** A rate: `4.2/s`. */
export const perSecond = (value) => (missing(value) ? NONE : `${value === 0 ? 0 : value.toFixed(digits(value))}/s`);

/** A share, 0 to 1, in percent: `0.25 %`. */
export function share(value) {
  if (missing(value)) return NONE;
  const percent = value * 100;
  if (percent === 0) return "0\u00a0%";
  if (Math.abs(percent) < 0.005) return "<0.01\u00a0%";
  return `${percent.toFixed(Math.abs(percent) >= 10 ? 1 : 2)}\u00a0%`;
}

/** A percentage that somebody set: `12.5 %`, without idle zeros. */
export const percent = (value) => (missing(value) ? NONE : `${Number(value.toFixed(2))}\u00a0%`);

/** A difference in percent with its sign: `+12 %`. */
export function change(ratio) {
  if (missing(ratio)) return NONE;
  const percentage = (ratio - 1) * 100;
  if (Math.abs(percentage) < 0.5) return "±0\u00a0%";
  const sign = percentage > 0 ? "+" : "−";
  if (ratio >= 10) return `×${ratio.toFixed(0)}`;
  return `${sign}${Math.abs(percentage).toFixed(0)}\u00a0%`;
}

/** A difference of shares in points with its sign: `+0.31 pp`. */
export function points(difference) {
  if (missing(difference)) return NONE;
  const value = difference * 100;
  if (Math.abs(value) < 0.005) return "±0\u00a0pp";
  return `${value > 0 ? "+" : "−"}${Math.abs(value).toFixed(Math.abs(value) >= 10 ? 1 : 2)}\u00a0pp`;
}

/** Microseconds: `870 µs`, `412 ms`, `1.84 s`, `2.1 min`. */
export function micros(value) {
  if (missing(value)) return NONE;
  if (value < 1e3) return `${value.toFixed(0)}\u00a0µs`;
  if (value < 1e6) return `${(value / 1e3).toFixed(value < 1e4 ? 1 : 0)}\u00a0ms`;
  if (value < 1e8) return `${(value / 1e6).toFixed(value < 1e7 ? 2 : 1)}\u00a0s`;
  return `${(value / 6e7).toFixed(1)}\u00a0min`;
}

/** Nano-dollars: `$12.40`, `$0.00031`. */
export function money(nanos) {
  if (missing(nanos)) return NONE;
  const dollars = nanos / 1e9;
  const size = Math.abs(dollars);
  if (size === 0) return "$0";
  if (size >= 10000) return `$${whole.format(dollars)}`;
  if (size >= 1) return `$${dollars.toFixed(2)}`;
  if (size < 1e-6) return "<$0.000001";
  return `$${dollars.toFixed(1 - Math.floor(Math.log10(size)))}`;
}

/** Bytes: `3.2 MiB`. */
export function bytes(value) {
  if (missing(value)) return NONE;
  const units = ["B", "KiB", "MiB", "GiB"];
  let unit = 0;
  let size = value;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? size.toFixed(0) : size.toFixed(1)} ${units[unit]}`;
}

/** A time span in seconds: `12 s`, `4 min`, `3 h 12 min`, `2 d 4 h`. */
export function span(seconds) {
  if (missing(seconds)) return NONE;
  const full = Math.max(0, Math.floor(seconds));
  if (full < 60) return `${full}\u00a0s`;
  const minutes = Math.floor(full / 60);
  if (minutes < 60) return `${minutes}\u00a0min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 ? `${hours}\u00a0h ${minutes % 60}\u00a0min` : `${hours}\u00a0h`;
  const days = Math.floor(hours / 24);
  return hours % 24 ? `${days}\u00a0d ${hours % 24}\u00a0h` : `${days}\u00a0d`;
}

const two = (value) => String(value).padStart(2, "0");

/** A moment, in microseconds, on the reader's clock: `14:03:22`, with the day if it is not the day of `now_us`. */
export function moment(at_us, now_us) {
  if (missing(at_us)) return NONE;
  const at = new Date(at_us / 1000);
  if (Number.isNaN(at.getTime())) return NONE;
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  if (new Date(now_us / 1000).toDateString() === at.toDateString()) return time;
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}`;
}

/** Microseconds of a written time, or null where it is none. */
export function instant(written) {
  const millis = Date.parse(written ?? "");
  return Number.isNaN(millis) ? null : millis * 1000;
}

/** One thing or several. */
export const several = (number, one, many) => `${count(number)} ${number === 1 ? one : many}`;
