/**
 * Values and gradients of a tape: forward from the leaves, backward from the root, step by step.
 */
import { strong_product } from "./product.js";

/** @typedef {import("./tape.js").Tape} Tape */
/** @typedef {{value: (...operands: number[]) => number, partials: (...given: number[]) => number[]} | null} Rule */
/**
 * @typedef {object} Forward a value that is computed
 * @property {"forward"} direction
 * @property {number} node
 *
 * @typedef {object} Backward what a value adds to the gradient of one of its operands
 * @property {"backward"} direction
 * @property {number} node
 * @property {number} slot
 * @property {number} operand
 * @property {number} upstream
 * @property {number} partial
 * @property {number} added
 * @property {number} total
 * @property {boolean} first
 * @typedef {Forward | Backward} Step
 */

export class Engine {
  /** @param {Tape} tape @param {Rule[]} rules */
  constructor(tape, rules) {
    this.tape = tape;
    this.rules = rules;
    this.root = tape.roots[0];
    this.data = tape.data.slice();
    this.grad = new Float64Array(tape.size);
    this.below = new Uint8Array(0);
    this.forwardNodes = new Int32Array(0);
    this.backwardNodes = new Int32Array(0);
    this.backwardSlots = new Int32Array(0);
    /** @type {{done: number, grad: Float64Array, seen: Uint8Array} | null} */
    this.partial = null;
    /** @type {Map<number, number>} leaves that were moved, and where to */
    this.moved = new Map();
    this.computing = [...new Set([...tape.ops].filter((op) => op >= 0))].every((op) => rules[op]);
    if (!tape.computed) {
      this.forward();
      tape.data.set(this.data);
    }
    this.differentiate(this.root);
  }

  /** Compute every value that an operation gives; from one on. @param {number} [from] */
  forward(from = 0) {
    const { tape, data, rules } = this;
    const { ops, starts, operands } = tape;
    for (let k = from; k < tape.size; k += 1) {
      const op = ops[k];
      if (op < 0) continue;
      const rule = rules[op];
      if (!rule) continue;
      const at = starts[k];
      const arity = starts[k + 1] - at;
      if (arity === 2) data[k] = rule.value(data[operands[at]], data[operands[at + 1]]);
      else if (arity === 1) data[k] = rule.value(data[operands[at]]);
      else data[k] = rule.value(...this.#numbers(k));
    }
  }

  /** @param {number} k */
  #numbers(k) {
    return this.tape.operandsOf(k).map((u) => this.data[u]);
  }

  /** The local derivatives of a value. @param {number} k @returns {number[]} */
  partials(k) {
    const { tape, data } = this;
    const rule = this.rules[tape.ops[k]];
    if (!rule) return tape.local.get(k) ?? tape.operandsOf(k).map(() => 0);
    const at = tape.starts[k];
    const arity = tape.starts[k + 1] - at;
    if (arity === 2) return rule.partials(data[k], data[tape.operands[at]], data[tape.operands[at + 1]]);
    return rule.partials(data[k], ...this.#numbers(k));
  }

  /** What a gradient at a value adds to those of its operands; a zero absorbs. @param {number} k @param {number} upstream */
  contributions(k, upstream) {
    if (upstream === 0) return this.tape.operandsOf(k).map(() => 0);
    return this.partials(k).map((partial) => strong_product(partial, upstream));
  }

  /** Choose what is differentiated. @param {number} root */
  differentiate(root) {
    this.root = root;
    const { tape } = this;
    const { ops, starts, operands } = tape;
    const below = new Uint8Array(tape.size);
    below[root] = 1;
    let forwards = 0;
    let backwards = 0;
    for (let k = root; k >= 0; k -= 1) {
      if (!below[k] || ops[k] < 0) continue;
      forwards += 1;
      backwards += starts[k + 1] - starts[k];
      for (let at = starts[k]; at < starts[k + 1]; at += 1) below[operands[at]] = 1;
    }
    this.below = below;
    this.forwardNodes = new Int32Array(forwards);
    this.backwardNodes = new Int32Array(backwards);
    this.backwardSlots = new Int32Array(backwards);
    for (let k = 0, at = 0; k <= root; k += 1) if (below[k] && ops[k] >= 0) this.forwardNodes[at++] = k;
    for (let k = root, at = 0; k >= 0; k -= 1) {
      if (!below[k] || ops[k] < 0) continue;
      for (let slot = 0; slot < starts[k + 1] - starts[k]; slot += 1) {
        this.backwardNodes[at] = k;
        this.backwardSlots[at++] = slot;
      }
    }
    this.backward();
  }

  /** The position at which all is done, behind the last step. */
  get last() {
    return this.steps + 1;
  }

  get steps() {
    return this.forwardNodes.length + this.backwardNodes.length;
  }

  /** All gradients. */
  backward() {
    const { tape, grad, below } = this;
    const { ops, starts, operands } = tape;
    grad.fill(0);
    grad[this.root] = 1;
    for (let k = this.root; k >= 0; k -= 1) {
      const upstream = grad[k];
      if (!below[k] || ops[k] < 0 || upstream === 0) continue;
      const partials = this.partials(k);
      const first = starts[k];
      for (let slot = 0; slot < partials.length; slot += 1) {
        const partial = partials[slot];
        if (partial !== 0) grad[operands[first + slot]] += strong_product(partial, upstream);
      }
    }
    this.partial = null;
  }

  /** Set leaves, and compute all that follows. @param {Iterable<[number, number]>} leaves */
  move(leaves) {
    let from = Infinity;
    for (const [k, x] of leaves) {
      this.data[k] = x;
      if (Object.is(x, this.tape.data[k])) this.moved.delete(k);
      else this.moved.set(k, x);
      from = Math.min(from, k);
    }
    if (!this.moved.size) this.data.set(this.tape.data);
    else if (from < Infinity) this.forward(from);
    this.backward();
  }

  /** Back to the numbers that came from Python. */
  reset() {
    this.moved.clear();
    this.data.set(this.tape.data);
    this.backward();
  }

  /** Which step is done at a position of the tape; position 0 is before the first. @param {number} position @returns {Step | null} */
  step(position) {
    const forwards = this.forwardNodes.length;
    if (position <= 0 || position > this.steps) return null;
    if (position <= forwards) return { direction: "forward", node: this.forwardNodes[position - 1] };
    const at = position - forwards - 1;
    const node = this.backwardNodes[at];
    const slot = this.backwardSlots[at];
    const operand = this.tape.operands[this.tape.starts[node] + slot];
    const before = this.gradientsAt(position - 1);
    const first = !before.seen[operand];
    const was = before.grad[operand];
    const upstream = this.grad[node];
    const added = this.contributions(node, upstream)[slot];
    const partial = this.partials(node)[slot];
    return { direction: "backward", node, slot, operand, upstream, partial, added, total: was + added, first };
  }

  /** The gradients as they stand at a position, and which have been touched. @param {number} position */
  gradientsAt(position) {
    const done = Math.max(0, position - this.forwardNodes.length);
    let state = this.partial;
    if (!state || state.done > done) {
      state = { done: 0, grad: new Float64Array(this.tape.size), seen: new Uint8Array(this.tape.size) };
      this.partial = state;
    }
    if (position >= this.forwardNodes.length) {
      state.grad[this.root] = 1;
      state.seen[this.root] = 1;
    } else {
      state.grad[this.root] = 0;
      state.seen[this.root] = 0;
    }
    let [node, added] = [-1, /** @type {number[]} */ ([])];
    for (; state.done < done; state.done += 1) {
      if (this.backwardNodes[state.done] !== node) {
        node = this.backwardNodes[state.done];
        added = this.contributions(node, this.grad[node]);
      }
      const slot = this.backwardSlots[state.done];
      const operand = this.tape.operands[this.tape.starts[node] + slot];
      state.grad[operand] += added[slot];
      state.seen[operand] = 1;
    }
    return state;
  }

  /** The position at which a value is computed, or its gradient is complete. @param {number} k */
  positionOf(k) {
    const at = lowerBound(this.forwardNodes, k);
    if (this.forwardNodes[at] === k) return at + 1;
    for (let j = 0; j < this.backwardNodes.length; j += 1) {
      const operand = this.tape.operands[this.tape.starts[this.backwardNodes[j]] + this.backwardSlots[j]];
      if (operand === k) return this.forwardNodes.length + j + 1;
    }
    return 0;
  }

  /** The values between one of them and the root that follow it. @param {number} k */
  following(k) {
    const { tape, root } = this;
    const { ops, starts, operands } = tape;
    const follows = new Uint8Array(root + 1);
    follows[k] = 1;
    for (let v = k + 1; v <= root; v += 1) {
      if (ops[v] < 0) continue;
      const { passes } = tape.kinds[ops[v]];
      for (let at = starts[v]; at < starts[v + 1]; at += 1) {
        if (follows[operands[at]] && passes[at - starts[v]]) follows[v] = 1;
      }
    }
    const found = [];
    for (let v = k + 1; v <= root; v += 1) if (follows[v]) found.push(v);
    return found;
  }

  /** The root as a function of one value, all others held still. @param {number} k @returns {(x: number) => number} */
  rootOver(k) {
    const { tape, data, rules, root } = this;
    const { ops, starts, operands } = tape;
    const found = this.following(k);
    const scratch = data.slice(0, root + 1);
    const known = found.every((v) => rules[ops[v]]);
    return (x) => {
      if (!known) return NaN;
      scratch[k] = x;
      for (const v of found) {
        const rule = /** @type {NonNullable<Rule>} */ (rules[ops[v]]);
        const { passes } = tape.kinds[ops[v]];
        const first = starts[v];
        const given = (/** @type {number} */ slot) => (passes[slot] ? scratch : data)[operands[first + slot]];
        const arity = starts[v + 1] - first;
        if (arity === 2) scratch[v] = rule.value(given(0), given(1));
        else if (arity === 1) scratch[v] = rule.value(given(0));
        else scratch[v] = rule.value(...Array.from({ length: arity }, (_, slot) => given(slot)));
      }
      return scratch[root];
    };
  }
}

/** Where a number stands in a sorted column, or would stand. @param {Int32Array} sorted @param {number} x */
function lowerBound(sorted, x) {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < x) low = middle + 1;
    else high = middle;
  }
  return low;
}
