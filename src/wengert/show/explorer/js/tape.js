/**
 * The tape as Python wrote it into the page: columns, one number per value.
 */

/**
 * @typedef {object} Kind what a value is made by
 * @property {string} name
 * @property {string} symbol
 * @property {number} arity
 * @property {boolean} commutative
 * @property {string} about in words, of operands x0_, x1_ ...
 * @property {string} text the formula of its value, of operands x0_, x1_ ...
 * @property {string[]} partials the formulas of its partials, the result being z_
 * @property {string} python how Python writes it, of operands {0}, {1} ...
 * @property {boolean[]} passes per operand, whether a nudge of it passes
 *
 * @typedef {{packed: string, as: string}} Packed
 * @typedef {(number | string)[] | Packed} Column
 * @typedef {string[] | Packed} Texts
 *
 * @typedef {object} Payload
 * @property {string} title
 * @property {Kind[]} kinds
 * @property {Column} ops
 * @property {Column} operands per operand, how far before its user it stands
 * @property {Column} data
 * @property {Column} grad
 * @property {{at: Column, texts: Texts}} labels
 * @property {{titles: Texts, parent: Column, kind: Column, number: Column}} groups
 * @property {Column} group
 * @property {number[]} roots
 * @property {[number, number[]][]} local partials of what the page cannot compute
 * @property {[number, number | string][]} guards what comparisons of the recorded code gave
 * @property {boolean} computed
 * @property {boolean} filled whether gradients stand in Python
 * @property {number} leftOut how many earlier values were left out
 * @property {Column} kept which earlier values stand in front, as leaves
 * @property {Column} cut those of them that an operation had given
 * @property {Column} unnamed how many values without a label stood before each of them, and before the rest
 * @property {string} cap how much the page may hold, in words
 * @property {Column} [fixed] of a live page, leaves that Python cannot move
 * @property {boolean} [follows] of a live page, whether Python can take another path
 * @property {number} limit
 */

/** The bytes of base64 text. @param {string} text */
export function bytesOf(text) {
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let k = 0; k < raw.length; k += 1) bytes[k] = raw.charCodeAt(k);
  return bytes;
}

/** @param {Packed} packed */
async function inflated({ packed }) {
  const stream = new Blob([bytesOf(packed)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

/** Numbers of which all first bytes stand before all second ones. @param {ArrayBuffer} buffer @param {number} width */
function together(buffer, width) {
  const apart = new Uint8Array(buffer);
  const size = apart.length / width;
  const bytes = new Uint8Array(apart.length);
  for (let p = 0; p < width; p += 1) for (let k = 0; k < size; k += 1) bytes[k * width + p] = apart[p * size + k];
  return bytes.buffer;
}

/** Integers; packed, each is what it is more than the one before. @param {Column} [column] */
async function ints(column = []) {
  if (Array.isArray(column)) return Int32Array.from(column.map(Number));
  const numbers = new Int32Array(together(await inflated(column), 4));
  for (let k = 1; k < numbers.length; k += 1) numbers[k] += numbers[k - 1];
  return numbers;
}

/** @param {Column} column */
async function floats(column) {
  return Array.isArray(column) ? Float64Array.from(column.map(parsed)) : new Float64Array(together(await inflated(column), 8));
}

/** @param {Texts} given @returns {Promise<string[]>} */
async function texts(given) {
  return Array.isArray(given) ? given : new TextDecoder().decode(await inflated(given)).split("\n");
}

/** A number as JSON has it; what is not finite stands there as a string. @param {number | string} x */
export function parsed(x) {
  return x === "inf" ? Infinity : x === "-inf" ? -Infinity : x === "nan" ? NaN : Number(x);
}

/** A graph in topological order. */
export class Tape {
  /** @param {Payload} payload @param {{ops: Int32Array, operands: Int32Array, data: Float64Array, grad: Float64Array, group: Int32Array, parent: Int32Array, kind: Int32Array, number: Int32Array, at: Int32Array, kept: Int32Array, cut: Int32Array, unnamed: Int32Array, fixed: Int32Array}} columns @param {string[]} labels @param {string[]} titles */
  constructor(payload, columns, labels, titles) {
    this.title = payload.title;
    this.kinds = payload.kinds;
    this.size = columns.ops.length;
    this.ops = columns.ops;
    this.starts = new Int32Array(this.size + 1);
    this.operands = columns.operands;
    for (let k = 0; k < this.size; k += 1) {
      const arity = columns.ops[k] < 0 ? 0 : payload.kinds[columns.ops[k]].arity;
      this.starts[k + 1] = this.starts[k] + arity;
      for (let at = this.starts[k]; at < this.starts[k + 1]; at += 1) {
        this.operands[at] = k - this.operands[at];
      }
    }
    this.data = columns.data;
    this.grad = columns.grad;
    /** @type {Map<number, string>} */
    this.labels = new Map();
    labels.forEach((label, k) => this.labels.set(columns.at[k], label));
    this.group = columns.group;
    this.groups = {
      titles,
      parent: columns.parent,
      kind: columns.kind,
      number: columns.number,
    };
    this.roots = payload.roots;
    this.local = new Map(payload.local);
    this.guards = new Map(payload.guards.map(([k, x]) => [k, parsed(x)]));
    this.computed = payload.computed;
    this.filled = payload.filled;
    this.leftOut = payload.leftOut;
    this.kept = columns.kept;
    this.cut = new Set(columns.cut);
    this.cap = payload.cap;
    this.fixed = new Set(columns.fixed);
    this.follows = payload.follows === true;
    this.limit = payload.limit;
    /** @type {Map<number, string>} */
    this.variants = this.#variants();
    this.fresh = this.#fresh(columns.unnamed);
  }

  /** @param {Payload} payload */
  static async read(payload) {
    const { groups } = payload;
    const [ops, operands, group, parent, kind, number, at, kept, cut, unnamed, fixed] = await Promise.all([
      payload.ops, payload.operands, payload.group, groups.parent, groups.kind, groups.number,
      payload.labels.at, payload.kept, payload.cut, payload.unnamed, payload.fixed].map(ints));
    const [data, grad] = await Promise.all([payload.data, payload.grad].map(floats));
    const [labels, titles] = await Promise.all([payload.labels.texts, groups.titles].map(texts));
    return new Tape(payload, { ops, operands, data, grad, group, parent, kind, number, at, kept, cut, unnamed, fixed }, labels, titles);
  }

  /** Where a value stood before others were left out. @param {number} k */
  before(k) {
    return k < this.kept.length ? this.kept[k] : k + this.leftOut;
  }

  /** Where a value stands that stood there before; -1 if it was left out. @param {number} k */
  after(k) {
    return k >= this.kept.length + this.leftOut ? k - this.leftOut : this.kept.indexOf(k);
  }

  /** Where labels stand that others have already: x, x′, x′′, x#4. */
  #variants() {
    const taken = new Set(this.labels.values());
    const times = new Map();
    const given = new Map();
    for (const [k, label] of [...this.labels].sort((a, b) => a[0] - b[0])) {
      let n = times.get(label) ?? 0;
      let name = label;
      while (n && taken.has(name)) {
        n += 1;
        name = n <= 3 ? label + "′".repeat(n - 1) : `${label}#${n}`;
      }
      times.set(label, Math.max(n, 1));
      taken.add(name);
      given.set(k, name);
    }
    return given;
  }

  /** The numbers of v1, v2, ..., which count what was left out. @param {Int32Array} unnamed */
  #fresh(unnamed) {
    const taken = new Set(this.labels.values());
    const fresh = new Int32Array(this.size);
    let next = 0;
    for (let k = 0; k < this.size; k += 1) {
      if (k < unnamed.length) next = unnamed[k];
      if (this.labels.has(k)) continue;
      next += 1;
      while (taken.size && taken.has(`v${next}`)) next += 1;
      fresh[k] = next;
    }
    return fresh;
  }

  /** The name of a value: its label, or v1, v2 ... @param {number} k */
  name(k) {
    return this.variants.get(k) ?? `v${this.fresh[k]}`;
  }

  /** @param {number} k @returns {Kind | null} */
  kind(k) {
    return this.ops[k] < 0 ? null : this.kinds[this.ops[k]];
  }

  /** @param {number} k @returns {number[]} */
  operandsOf(k) {
    return [...this.operands.subarray(this.starts[k], this.starts[k + 1])];
  }

  /** Per value, its users: where they start, and who they are. */
  users() {
    const starts = new Int32Array(this.size + 1);
    for (const u of this.operands) starts[u + 1] += 1;
    for (let k = 0; k < this.size; k += 1) starts[k + 1] += starts[k];
    const next = starts.slice();
    const users = new Int32Array(this.operands.length);
    for (let v = 0; v < this.size; v += 1) {
      for (let at = this.starts[v]; at < this.starts[v + 1]; at += 1) {
        users[next[this.operands[at]]++] = v;
      }
    }
    return { starts, users };
  }

  /** What a group is called. @param {number} g */
  groupTitle(g) {
    return this.groups.titles[this.groups.kind[g]].replace("{}", String(this.groups.number[g]));
  }
}
