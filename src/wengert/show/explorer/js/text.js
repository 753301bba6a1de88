/**
 * Numbers and names as the page writes them, and how wide they are: the twin of show/text.py.
 */

const ELLIPSIS = "…";
const INVISIBLE = /[\p{Mn}\p{Me}\p{Cf}]/u;
const WIDE =
  /[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

/** Whether the digits that rounding drops are one 5: Python then rounds to even. @param {string} rest */
const isTie = (rest) => /^50*$/.test(rest);

/** A number with fixed digits, as Python's `f"{x:.4f}"`. @param {number} x @param {number} digits */
export function fixed(x, digits) {
  const text = x.toFixed(digits);
  const long = x.toFixed(Math.min(100, digits + 60));
  if (!isTie(long.slice(long.indexOf(".") + 1 + digits))) return text;
  const down = long.slice(0, long.indexOf(".") + 1 + digits);
  return Number(down[down.length - 1]) % 2 === 0 ? down : text;
}

/** As Python's `f"{x:.4g}"`. @param {number} x @param {number} digits */
function general(x, digits) {
  let [size, exponent] = x.toExponential(digits - 1).split("e");
  const power = Number(exponent);
  if (power < -5 || power >= digits) {
    if (size.includes(".")) size = size.replace(/\.?0+$/, "");
    return `${size}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
  }
  const text = x.toPrecision(digits);
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** What is not finite, in words. @param {number} x */
function infinite(x) {
  return Number.isNaN(x) ? "nan" : x > 0 ? "inf" : "-inf";
}

/** A number as pictures show it. @param {number} x @param {number} [digits] */
export function number(x, digits = 4) {
  if (!Number.isFinite(x)) return infinite(x);
  const size = Math.abs(x);
  if (x === 0 || (size >= 0.5 * 10 ** -digits && size < 1e7)) {
    return (Object.is(x, -0) ? "-" : "") + fixed(x, digits);
  }
  return general(x, Math.max(digits, 1));
}

/** A number in a formula: six digits, and no more than it needs. @param {number} x */
export function short(x) {
  if (!Number.isFinite(x)) return infinite(x);
  const text = String(Number(x.toPrecision(6)));
  return Object.is(x, -0) ? "-0" : text;
}

/** A number in full, as Python writes it. @param {number} x */
export function full(x) {
  if (!Number.isFinite(x)) return infinite(x);
  if (Object.is(x, -0)) return "-0.0";
  const size = Math.abs(x);
  if (x !== 0 && (size < 1e-4 || size >= 1e16)) {
    const [digits, exponent] = x.toExponential().split("e");
    const power = Number(exponent);
    return `${digits}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
  }
  const text = String(x);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}

/** How many columns of a monospace font the text takes. @param {string} text */
export function columns(text) {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let taken = 0;
  for (const character of text) taken += INVISIBLE.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return taken;
}

/** The text, or its beginning and an ellipsis. @param {string} text @param {number} limit */
export function shorten(text, limit) {
  if (columns(text) <= limit) return text;
  let kept = "";
  let taken = 0;
  for (const character of text) {
    taken += columns(character);
    if (taken >= limit) break;
    kept += character;
  }
  return kept + ELLIPSIS;
}

/** Digits in groups of three. @param {number} n */
export function grouped(n) {
  return String(n).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** A number of things: 1 value, 1,234 values. @param {number} n @param {string} noun */
export function count(n, noun) {
  return `${grouped(n)} ${noun}${n === 1 ? "" : "s"}`;
}

/** Some names in a row, and how many more there are. @param {string[]} names @param {number} [most] */
export function listed(names, most = 6) {
  const shown = names.slice(0, most);
  if (names.length > most) return `${shown.join(", ")} and ${grouped(names.length - most)} more`;
  if (shown.length < 2) return shown.join("");
  return `${shown.slice(0, -1).join(", ")} and ${shown[shown.length - 1]}`;
}
