/**
 * The tape as Python wrote it into the page: columns, one number per value.
 */

/**
 * @typedef {object} Kind what a value is made by
 * @property {string} name
 * @property {string} symbol
 * @property {number} arity
 * @property {boolean} commutative
 * @property {string} about in words
 * @property {string} text the formula of its value, of operands x0_, x1_ ...
 * @property {string[]} partials the formulas of its partials, the result being z_
 * @property {string} python how Python writes it, of operands {0}, {1} ...
 * @property {boolean[]} passes per operand, whether a nudge of it passes
 *
 * @typedef {{packed: string, as: string, size: number}} Packed
 * @typedef {(number | string)[] | Packed} Column
 *
 * @typedef {object} Payload
 * @property {string} title
 * @property {Kind[]} kinds
 * @property {Column} ops
 * @property {Column} operands per operand, how far before its user it stands
 * @property {Column} data
 * @property {Column} grad
 * @property {[number, string][]} labels
 * @property {{titles: string[], parent: Column, kind: Column, number: Column}} groups
 * @property {Column} group
 * @property {number[]} roots
 * @property {[number, number[]][]} local partials of what the page cannot compute
 * @property {[number, number | string][]} guards what comparisons of the recorded code gave
 * @property {boolean} computed
 * @property {boolean} filled whether gradients stand in Python
 * @property {number} leftOut
 * @property {number} limit
 */

/** @type {Record<string, (buffer: ArrayBuffer) => Iterable<number>>} */
const VIEWS = {
  i32: (buffer) => new Int32Array(buffer),
  f64: (buffer) => new Float64Array(buffer),
};

/** The bytes of base64 text. @param {string} text */
function bytesOf(text) {
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let k = 0; k < raw.length; k += 1) bytes[k] = raw.charCodeAt(k);
  return bytes;
}

/** @param {Column} column @returns {Promise<Iterable<number>>} */
async function unpacked(column) {
  if (Array.isArray(column)) return column.map(parsed);
  const bytes = bytesOf(column.packed);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return VIEWS[column.as](await new Response(stream).arrayBuffer());
}

/** A number as JSON has it; what is not finite stands there as a string. @param {number | string} x */
export function parsed(x) {
  return x === "inf" ? Infinity : x === "-inf" ? -Infinity : x === "nan" ? NaN : Number(x);
}

/** A graph in topological order. */
export class Tape {
  /** @param {Payload} payload @param {{ops: Int32Array, operands: Int32Array, data: Float64Array, grad: Float64Array, group: Int32Array, parent: Int32Array, kind: Int32Array, number: Int32Array}} columns */
  constructor(payload, columns) {
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
    this.labels = new Map(payload.labels);
    this.group = columns.group;
    this.groups = {
      titles: payload.groups.titles,
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
    this.limit = payload.limit;
    /** @type {Map<number, string>} */
    this.variants = this.#variants();
    this.fresh = this.#fresh();
  }

  /** @param {Payload} payload */
  static async read(payload) {
    const ints = async (/** @type {Column} */ column) => Int32Array.from(await unpacked(column));
    const floats = async (/** @type {Column} */ column) => Float64Array.from(await unpacked(column));
    const { groups } = payload;
    const [ops, operands, data, grad, group, parent, kind, number] = await Promise.all([
      ints(payload.ops), ints(payload.operands), floats(payload.data), floats(payload.grad),
      ints(payload.group), ints(groups.parent), ints(groups.kind), ints(groups.number),
    ]);
    return new Tape(payload, { ops, operands, data, grad, group, parent, kind, number });
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

  /** The numbers of v1, v2, ... */
  #fresh() {
    const taken = new Set(this.labels.values());
    const fresh = new Int32Array(this.size);
    let next = 0;
    for (let k = 0; k < this.size; k += 1) {
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
