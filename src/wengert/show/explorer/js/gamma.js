/**
 * The error functions and the gamma family, in the formulas of special.py, whose numbers they use.
 */
import { copysign, exactProduct, rint } from "./special.js";
import { bernoulli, digammaSeries, digammaZero, lgammaAt1, lgammaAt2 } from "./tables.js";

/** e^(-x²), the square not rounded. @param {number} x */
function gaussian(x) {
  const [square, rest] = exactProduct(x, x);
  return square > 746 ? 0 : Math.exp(-square) * (1 - rest);
}

/**
 * The error function: its series, whose terms have one sign, and for large x its complement.
 * @param {number} x @returns {number}
 */
export function erf(x) {
  const size = Math.abs(x);
  if (!(size <= 1)) return x !== x ? x : copysign(1 - erfc(size), x);
  let term = x;
  let sum = 0;
  const terms = [x];
  for (let k = 1; Math.abs(term) > 1e-18 * Math.abs(x); k += 1) {
    term *= (2 * x * x) / (2 * k + 1);
    terms.push(term);
  }
  while (terms.length) sum += /** @type {number} */ (terms.pop());
  return x === 0 ? x : (2 / Math.sqrt(Math.PI)) * gaussian(x) * sum;
}

/**
 * 1 - erf(x), accurate for large x: the trapezoidal rule on an integral of Gaussians, with the
 * contribution of its pole (Chiarella & Reichel, Math. Comp. 22, 1968).
 * @param {number} x @returns {number}
 */
export function erfc(x) {
  if (!(x >= 0.5)) return x < -6 ? 2 : 1 - erf(x);
  if (x > 27.3) return 0;
  const step = 0.5;
  let sum = 0;
  for (let k = 13; k >= 1; k -= 1) {
    const t = (k * step) ** 2;
    sum += Math.exp(-t) / (t + x * x);
  }
  const rule = ((2 * step * x) / Math.PI) * gaussian(x) * (0.5 / (x * x) + sum);
  return rule - 2 / Math.expm1((2 * Math.PI * x) / step);
}

/** A polynomial, the constant coefficient first. @param {number[]} coefficients @param {number} x */
function polynomial(coefficients, x) {
  let total = 0;
  for (let k = coefficients.length - 1; k >= 0; k -= 1) total = total * x + coefficients[k];
  return total;
}

/** A sum with a correction for what rounding loses (Neumaier 1974). @param {number[]} terms */
function compensated(terms) {
  let total = 0;
  let lost = 0;
  for (const term of terms) {
    const next = total + term;
    lost += Math.abs(total) >= Math.abs(term) ? total - next + term : term - next + total;
    total = next;
  }
  return Number.isNaN(lost) ? total : total + lost;
}

/** @param {number} x */
function digammaAbove(x) {
  const fromZero = x - digammaZero[0] - digammaZero[1];
  if (Math.abs(fromZero) < 0.5) return fromZero * polynomial(digammaSeries, fromZero);
  if (Number.isNaN(x) || x > 1e300) return Math.log(x);
  const terms = [];
  for (; x < 12; x += 1) terms.push(-1 / x);
  const square = 1 / (x * x);
  let tail = 0;
  for (let k = 8; k >= 1; k -= 1) tail = tail * square - bernoulli[k - 1] / (2 * k);
  return compensated([...terms, Math.log(x), -0.5 / x, tail * square]);
}

/** @param {number} n */
function factorial(n) {
  let product = 1;
  for (let k = 2; k <= n; k += 1) product *= k;
  return product;
}

/** @param {number} x @param {number} n */
function polygammaAbove(x, n) {
  if (Number.isNaN(x)) return x;
  const terms = [];
  for (; x < 12 + n; x += 1) terms.push(x ** -(n + 1));
  terms.push(x ** -n / n, 0.5 * x ** -(n + 1));
  let rising = 0.5 * (n + 1);
  for (let k = 1; k <= 13; k += 1) {
    if (k > 1) rising *= ((n + 2 * k - 2) * (n + 2 * k - 1)) / ((2 * k - 1) * (2 * k));
    terms.push(bernoulli[k - 1] * rising * x ** -(n + 2 * k));
  }
  return (n % 2 ? 1 : -1) * factorial(n) * compensated(terms);
}

/** polygamma (n = 0: digamma) at x <= 0, from its value at 1 - x. @param {number} x @param {number} n */
function reflected(x, n) {
  if (x === -Infinity) return NaN;
  if (x === 0 && n % 2 === 0) return copysign(Infinity, -copysign(1, x));
  if (x === Math.floor(x)) return n % 2 ? Infinity : NaN;
  let derivative = [0, 1];
  for (let order = 0; order < n; order += 1) {
    const next = new Array(derivative.length + 1).fill(0);
    for (let k = 1; k < derivative.length; k += 1) {
      next[k - 1] -= k * derivative[k];
      next[k + 1] -= k * derivative[k];
    }
    derivative = next;
  }
  const cot = 1 / Math.tan(Math.PI * (x - rint(x)));
  const mirrored = n ? polygammaAbove(1 - x, n) : digammaAbove(1 - x);
  return (n % 2 ? -mirrored : mirrored) - Math.PI ** (n + 1) * polynomial(derivative, cot);
}

/** The derivative of lgamma. @param {number} x */
export function digamma(x) {
  return x <= 0 ? reflected(x, 0) : digammaAbove(x);
}

/** The n-th derivative of digamma. @param {number} x @param {number} n */
export function polygamma(x, n) {
  return x <= 0 ? reflected(x, n) : polygammaAbove(x, n);
}

/** log |gamma(x)|. @param {number} x @returns {number} */
export function log_gamma(x) {
  if (Number.isNaN(x)) return x;
  if (x <= 0.75) {
    if (x === Math.floor(x)) return Infinity;
    if (x < 0) {
      const sine = Math.abs(Math.sin(Math.PI * (x - rint(x))));
      return Math.log(Math.PI / sine) - Math.log(-x) - log_gamma(-x);
    }
    return log_gamma(x + 1) - Math.log(x);
  }
  let tail = 0;
  if (x < 12) {
    let product = 1;
    for (; x >= 2.5; product *= x) x -= 1;
    const zero = x < 1.25 ? 1 : 2;
    return Math.log(product) + (x - zero) * polynomial(zero === 1 ? lgammaAt1 : lgammaAt2, x - zero);
  }
  for (let k = 8; k >= 1; k -= 1) tail = tail / (x * x) + bernoulli[k - 1] / (2 * k * (2 * k - 1));
  const halfLogTau = 0.9189385332046727;
  return (x - 0.5) * (Math.log(x) - 1) + (halfLogTau - 0.5) + tail / x;
}
