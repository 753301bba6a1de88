/**
 * Numerical derivatives, and whether a gradient agrees with them.
 *
 * Differences from both sides are extrapolated to step zero (Ridders 1982); where the two sides
 * differ there is a kink.
 */
import { short } from "./text.js";

/** @typedef {import("./engine.js").Engine} Engine */
/** @typedef {{value: number, error: number, left: number, right: number, kink: boolean}} Slope */
/** @typedef {{verdict: "right" | "wrong" | "not filled" | "kink" | "undecided", reason: string, slope: Slope}} Finding */

const RUNGS = 9;
const ROUNDING = 2 ** -50;

/** The slope of a function of one number. @param {(x: number) => number} f @param {number} x @returns {Slope} */
export function slopeOf(f, x) {
  const middle = f(x);
  const scale = 2 ** Math.round(Math.log2(Math.max(Math.abs(x), 2 ** -6)));
  /** @type {Slope} */
  let best = { value: NaN, error: Infinity, left: NaN, right: NaN, kink: false };
  for (const first of [0.25, 2 ** -8, 2 ** -16]) {
    const found = extrapolated(f, x, first * scale, middle);
    if (found.error < best.error || Number.isNaN(best.value)) best = found;
  }
  const h = scale * 2 ** -18;
  const right = 2 * ((f(x + h / 2) - middle) / (h / 2)) - (f(x + h) - middle) / h;
  const left = 2 * ((middle - f(x - h / 2)) / (h / 2)) - (middle - f(x - h)) / h;
  const noise = (8 * ROUNDING * Math.max(Math.abs(middle), Math.abs(left * x))) / h;
  const apart = Math.abs(right - left);
  if (apart > 1e-3 * (Math.abs(left) + Math.abs(right)) + 4 * noise) {
    return { value: (left + right) / 2, error: apart / 2, left, right, kink: true };
  }
  return { ...best, left, right };
}

/** @param {(x: number) => number} f @param {number} x @param {number} first @param {number} middle @returns {Slope} */
function extrapolated(f, x, first, middle) {
  let best = NaN;
  let error = Infinity;
  /** @type {number[]} */
  let row = [];
  for (let k = 0, h = first; k < RUNGS; k += 1, h /= 2) {
    const [above, below] = [f(x + h), f(x - h)];
    const noise = (ROUNDING * (Math.abs(above) + Math.abs(below) + Math.abs(middle))) / h;
    const next = [(above - below) / (2 * h)];
    for (let j = 1, factor = 4; j <= k; j += 1, factor *= 4) {
      next.push((factor * next[j - 1] - row[j - 1]) / (factor - 1));
      const off = Math.max(Math.abs(next[j] - next[j - 1]), Math.abs(next[j] - row[j - 1])) + noise;
      if (off < error) [best, error] = [next[j], off];
    }
    row = next;
  }
  return { value: best, error, left: best, right: best, kink: false };
}

/** The slope of the root by one of the values. @param {Engine} engine @param {number} k @returns {Slope} */
export function rootSlope(engine, k) {
  if (k === engine.root) return { value: 1, error: 0, left: 1, right: 1, kink: false };
  return slopeOf(engine.rootOver(k), engine.data[k]);
}

/** Whether a gradient is the derivative. @param {Engine} engine @param {number} k @param {number} grad @param {Float64Array | null} others the gradients that stand at the other values @returns {Finding} */
export function check(engine, k, grad, others) {
  const slope = rootSlope(engine, k);
  if (!Number.isFinite(slope.value) || !Number.isFinite(engine.data[engine.root])) {
    return { verdict: "undecided", reason: "the root has no finite slope here", slope };
  }
  if (slope.kink) {
    const inside = grad >= Math.min(slope.left, slope.right) - 1e-6 && grad <= Math.max(slope.left, slope.right) + 1e-6;
    if (inside) return { verdict: "kink", reason: `the slope is ${short(slope.left)} from the left and ${short(slope.right)} from the right`, slope };
  }
  const room = 1e-5 * Math.max(Math.abs(grad), Math.abs(slope.value)) + 4 * slope.error + 1e-300;
  if (Math.abs(grad - slope.value) <= room) return { verdict: "right", reason: "", slope };
  if (grad === 0) return { verdict: "not filled", reason: "the gradient is still 0", slope };
  return { verdict: "wrong", reason: reasonOf(engine, k, grad, slope.value, others), slope };
}

/**
 * The likely mistake behind a wrong gradient, in a sentence.
 * @param {Engine} engine @param {number} k @param {number} grad @param {number} truth
 * @param {Float64Array | null} others the gradients that stand at the other values
 * @param {boolean} [reveal] whether the right number may be told
 */
export function reasonOf(engine, k, grad, truth, others, reveal = true) {
  const { tape } = engine;
  const same = (/** @type {number} */ x) => Math.abs(grad - x) <= 1e-6 * Math.max(Math.abs(grad), Math.abs(x));
  if (!Number.isFinite(grad)) return `the gradient is ${short(grad)}`;
  if (k === engine.root) return "the gradient of the root is 1: it changes as fast as itself";
  const uses = usesOf(engine, k);
  const sum = (/** @type {(use: Use) => number} */ of) => uses.reduce((total, use) => total + of(use), 0);
  const users = [...new Set(uses.map((use) => tape.name(use.user)))];
  if (others) {
    const faulty = uses.filter((use) => Math.abs(others[use.user] - use.upstream) > 1e-6 * Math.abs(use.upstream) + 1e-12);
    if (faulty.length && same(sum((use) => use.local * others[use.user]))) {
      return `the step here is right, but it starts from the gradient of ${tape.name(faulty[0].user)}, which is wrong: fix that first`;
    }
  }
  if (same(-truth)) return "the sign is wrong";
  if (uses.length > 1) {
    for (const use of uses) {
      if (same(use.local * use.upstream)) {
        return `this is what the use in ${tape.name(use.user)} alone contributes; the contributions of all ${uses.length} uses add up`;
      }
      if (same(truth - use.local * use.upstream)) return `the use in ${tape.name(use.user)} is missing; the contributions of all uses add up`;
    }
  }
  if (same(sum((use) => use.local))) {
    return `this is the local derivative alone; multiply it by the gradient upstream, that of ${users.join(" and ")}`;
  }
  if (same(sum((use) => use.upstream))) {
    return `this is the gradient of ${users.join(" and ")} alone; multiply it by the local derivative`;
  }
  for (const use of uses) {
    if (tape.kind(use.user)?.name === "mul" && same(use.upstream * engine.data[k])) {
      return `multiplied by its own value ${short(engine.data[k])}; the derivative of a product has the other operand's`;
    }
    if (same(use.upstream * engine.data[use.user])) {
      return `multiplied by the value of ${tape.name(use.user)}, ${short(engine.data[use.user])}, in place of the local derivative`;
    }
  }
  if (same(2 * truth) || same(3 * truth)) return `this is ${same(2 * truth) ? "twice" : "three times"} the derivative: was it added more than once?`;
  if (!reveal) return "";
  const terms = uses.map((use) => `${short(use.local)} × ${short(use.upstream)}`).join(" + ");
  return `it should be ${terms} = ${short(truth)}, by way of ${users.join(" and ")}`;
}

/** @typedef {{user: number, slot: number, local: number, upstream: number}} Use */

/** Where a value is an operand of what the root depends on. @param {Engine} engine @param {number} k @returns {Use[]} */
export function usesOf(engine, k) {
  const { tape } = engine;
  const uses = [];
  for (let user = k + 1; user <= engine.root; user += 1) {
    if (!engine.below[user] || tape.ops[user] < 0) continue;
    for (let at = tape.starts[user]; at < tape.starts[user + 1]; at += 1) {
      if (tape.operands[at] !== k) continue;
      const slot = at - tape.starts[user];
      uses.push({ user, slot, local: engine.partials(user)[slot], upstream: engine.grad[user] });
    }
  }
  return uses;
}
