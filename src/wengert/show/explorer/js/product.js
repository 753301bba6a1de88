/**
 * The product of the chain rule.
 */

/** x·y, where a zero absorbs what is infinite or NaN. @param {number} x @param {number} y */
export function strong_product(x, y) {
  const product = x * y;
  return Number.isNaN(product) && (x === 0 || y === 0) ? 0 : product;
}
