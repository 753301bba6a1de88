/**
 * What the rows of the table call that JavaScript's `Math` does not have, or has otherwise.
 *
 * The formulas are those of special.py.
 */
/** The number's size with the sign of another one. @param {number} x @param {number} sign */
export function copysign(x, sign) {
  const negative = sign < 0 || Object.is(sign, -0);
  return negative ? -Math.abs(x) : Math.abs(x);
}

/** IEEE's power, which is 1 where the base is 1. @param {number} x @param {number} y */
export function pow(x, y) {
  if (x === 1 || (x === -1 && Math.abs(y) === Infinity)) return 1;
  return x ** y;
}

/** x to a constant integer. @param {number} x @param {number} n */
export function integer_power(x, n) {
  if (n === 2) return x * x;
  if (n === -1) return 1 / x;
  return pow(x, n);
}

/** 2 to the power x. @param {number} x */
export function exp2(x) {
  return 2 ** x;
}

/** The integer nearest to x; of two, the even one. @param {number} x */
export function rint(x) {
  if (!(Math.abs(x) < 2 ** 52)) return x;
  const shift = copysign(2 ** 52, x);
  return copysign(x + shift - shift, x);
}

/** Python's x % y: the remainder with the sign of y. @param {number} x @param {number} y */
export function floored_remainder(x, y) {
  const remainder = x % y;
  if (y === 0) return NaN;
  if (remainder === 0) return copysign(0, y);
  return remainder < 0 !== y < 0 ? remainder + y : remainder;
}

/** Python's x // y; by zero, the quotient. @param {number} x @param {number} y */
export function floored_quotient(x, y) {
  if (y === 0) return x / y;
  const remainder = x % y;
  let quotient = (x - remainder) / y;
  if (remainder !== 0 && remainder < 0 !== y < 0) quotient -= 1;
  if (quotient === 0) return copysign(0, x / y);
  const below = Math.floor(quotient);
  return quotient - below > 0.5 ? below + 1 : below;
}

/**
 * The product of two numbers and what rounding took from it (Dekker 1971).
 * @param {number} x @param {number} y @returns {[number, number]}
 */
export function exactProduct(x, y) {
  const split = 134217729;
  const cx = split * x;
  const cy = split * y;
  const hx = cx - (cx - x);
  const hy = cy - (cy - y);
  const product = x * y;
  const low = hx * hy - product + hx * (y - hy) + (x - hx) * hy + (x - hx) * (y - hy);
  return [product, low];
}

/** A number as an integer times a power of two. @param {number} x @returns {[bigint, number]} */
function parts(x) {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, x);
  const bits = view.getBigUint64(0);
  const exponent = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & ((1n << 52n) - 1n);
  const size = exponent === 0 ? fraction : fraction | (1n << 52n);
  return [bits >> 63n ? -size : size, Math.max(exponent, 1) - 1075];
}

/** The double nearest to an integer times a power of two. @param {bigint} n @param {number} e */
function rounded(n, e) {
  let size = n < 0n ? -n : n;
  const bits = size.toString(2).length;
  const drop = Math.max(bits - 53, -1074 - e);
  if (drop > 0) {
    const shift = BigInt(drop);
    const rest = size & ((1n << shift) - 1n);
    const half = 1n << (shift - 1n);
    size >>= shift;
    if (rest > half || (rest === half && size & 1n)) size += 1n;
    e += drop;
  }
  let x = Number(size);
  for (; e < 0 && x !== 0; e += Math.min(1000, -e)) x *= 2 ** -Math.min(1000, -e);
  for (; e > 0 && x < Infinity; e -= Math.min(1000, e)) x *= 2 ** Math.min(1000, e);
  return n < 0n ? -x : x;
}

/** x·y + w, rounded once. @param {number} x @param {number} y @param {number} w */
export function fma(x, y, w) {
  if (!Number.isFinite(x) || !Number.isFinite(y) || x === 0 || y === 0) return x * y + w;
  if (!Number.isFinite(w)) return w;
  const [nx, ex] = parts(x);
  const [ny, ey] = parts(y);
  const [nw, ew] = parts(w);
  const low = Math.min(ex + ey, ew);
  const sum = ((nx * ny) << BigInt(ex + ey - low)) + (nw << BigInt(ew - low));
  return sum === 0n ? x * y + w : rounded(sum, low);
}

/** √(x² + y²) without overflow, rounded with care. @param {number} x @param {number} y */
export function hypot(x, y) {
  x = Math.abs(x);
  y = Math.abs(y);
  if (x === Infinity || y === Infinity) return Infinity;
  if (Number.isNaN(x + y)) return NaN;
  const large = Math.max(x, y);
  if (large === 0) return 0;
  const scale = 2 ** Math.min(1000, Math.max(-1000, -Math.floor(Math.log2(large))));
  const [xx, xl] = exactProduct(x * scale, x * scale);
  const [yy, yl] = exactProduct(y * scale, y * scale);
  const sum = xx + yy;
  const lost = Math.max(xx, yy) - sum + Math.min(xx, yy) + xl + yl;
  const root = Math.sqrt(sum);
  const [square, rest] = exactProduct(root, root);
  return (root + (sum - square - rest + lost) / (2 * root)) / scale;
}
