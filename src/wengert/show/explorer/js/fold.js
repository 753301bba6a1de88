/**
 * Which parts of a tape are shown as one cell: groups that are closed stand for all they hold.
 *
 * A closed group whose values lead out of it and back in would put a cycle into the picture, so it
 * is shown in as many pieces as it is entered, as in show/scopes.py.
 */

/** @typedef {import("./tape.js").Tape} Tape */
/**
 * @typedef {object} Part
 * @property {number} value the value it is, or -1
 * @property {number} group the group that it stands for, or -1
 * @property {number} within the open group it stands in, or -1
 * @property {number} values
 * @property {number} operations
 *
 * @typedef {object} View
 * @property {Part[]} parts in topological order
 * @property {number[][]} operands
 * @property {Int32Array} partOf per value, -1 where it is not shown
 */

/** The tree of groups, and how much each holds. */
export class Forest {
  /** @param {Tape} tape */
  constructor(tape) {
    this.tape = tape;
    const { parent } = tape.groups;
    const groups = parent.length;
    this.own = new Int32Array(groups + 1);
    this.inner = new Int32Array(groups + 1);
    this.held = new Int32Array(groups);
    for (const g of tape.group) this.own[g + 1] += 1;
    for (let g = groups - 1; g >= 0; g -= 1) {
      this.held[g] += this.own[g + 1];
      if (!this.held[g]) continue; // all it held was left out
      this.inner[parent[g] + 1] += 1;
      if (parent[g] >= 0) this.held[parent[g]] += this.held[g];
    }
    /** @type {Map<number, number[]>} */
    this.children = new Map();
    for (let g = 0; g < groups; g += 1) {
      if (!this.held[g]) continue;
      const beside = this.children.get(parent[g]);
      if (beside) beside.push(g);
      else this.children.set(parent[g], [g]);
    }
  }

  /** How many cells a group takes when it is open; -1 is the whole. @param {number} g */
  shows(g) {
    return this.own[g + 1] + this.inner[g + 1];
  }

  /** The groups to open so that about so many cells are shown, outer ones first. @param {number} limit */
  opened(limit) {
    /** @type {Set<number>} */
    const open = new Set();
    let shown = this.shows(-1);
    let level = this.children.get(-1) ?? [];
    while (level.length) {
      /** @type {Map<string, number[]>} */
      const alike = new Map();
      for (const g of level) {
        const key = `${this.shows(g)} ${this.held[g]}`;
        const beside = alike.get(key);
        if (beside) beside.push(g);
        else alike.set(key, [g]);
      }
      level = [];
      const bySize = [...alike.values()].sort((a, b) => this.shows(a[0]) - this.shows(b[0]));
      for (const same of bySize) {
        const cost = (this.shows(same[0]) - 1) * same.length;
        if (shown + cost > limit) continue;
        shown += cost;
        for (const g of same) {
          open.add(g);
          level.push(...(this.children.get(g) ?? []));
        }
      }
    }
    return open;
  }

  /** How many cells are shown while these groups are open. @param {Set<number>} open */
  count(open) {
    let shown = this.shows(-1);
    const { parent } = this.tape.groups;
    for (const g of open) {
      let outer = parent[g];
      while (outer >= 0 && open.has(outer)) outer = parent[outer];
      if (outer < 0 && this.held[g]) shown += this.shows(g) - 1;
    }
    return shown;
  }

  /** The groups around a value, outermost first. @param {number} k */
  around(k) {
    const path = [];
    for (let g = this.tape.group[k]; g >= 0; g = this.tape.groups.parent[g]) path.unshift(g);
    return path;
  }
}

/** The view of a tape with some groups open. @param {Tape} tape @param {Set<number>} open @returns {View} */
export function foldView(tape, open) {
  const { parent } = tape.groups;
  const closed = new Int32Array(parent.length);
  for (let g = 0; g < parent.length; g += 1) {
    const outer = parent[g] < 0 ? -1 : closed[parent[g]];
    closed[g] = outer >= 0 ? outer : open.has(g) ? -1 : g;
  }
  const part = new Float64Array(tape.size);
  for (let v = 0; v < tape.size; v += 1) {
    const g = tape.group[v];
    part[v] = g >= 0 && closed[g] >= 0 ? tape.size + closed[g] : v;
  }
  untangle(tape, part, parent.length);
  return contracted(tape, part, parent.length);
}

/** The view of some values alone. @param {Tape} tape @param {Set<number>} shown @returns {View} */
export function partialView(tape, shown) {
  const order = [...shown].sort((a, b) => a - b);
  const partOf = new Int32Array(tape.size).fill(-1);
  order.forEach((v, k) => (partOf[v] = k));
  const parts = order.map((v) => ({ value: v, group: -1, within: -1, values: 1, operations: tape.ops[v] >= 0 ? 1 : 0 }));
  const operands = order.map((v) => tape.operandsOf(v).map((u) => partOf[u]).filter((u) => u >= 0));
  return { parts, operands, partOf };
}

/** The edges between different parts, each once. @param {Tape} tape @param {Float64Array} part */
function edgesOf(tape, part) {
  /** @type {Map<number, Set<number>>} */
  const before = new Map();
  let [lastFrom, lastTo] = [-1, -1];
  for (let v = 0; v < tape.size; v += 1) {
    for (let at = tape.starts[v]; at < tape.starts[v + 1]; at += 1) {
      const [from, to] = [part[tape.operands[at]], part[v]];
      if (from === to || (from === lastFrom && to === lastTo)) continue;
      [lastFrom, lastTo] = [from, to];
      const own = before.get(to);
      if (own) own.add(from);
      else before.set(to, new Set([from]));
    }
  }
  return before;
}

/** Split parts that are on a cycle, or between two cycles, in place. @param {Tape} tape @param {Float64Array} part @param {number} groups */
function untangle(tape, part, groups) {
  if (!groups) return;
  const tangled = tangledParts(edgesOf(tape, part));
  if (!tangled.size) return;
  const entered = timesEntered(tape, part, tangled);
  const width = tape.size + groups;
  for (let v = 0; v < tape.size; v += 1) {
    if (part[v] >= tape.size && tangled.has(part[v])) part[v] += width * (1 + entered[v]);
  }
}

/** @param {Map<number, Set<number>>} before */
function tangledParts(before) {
  /** @type {Map<number, number[]>} */
  const after = new Map();
  const left = new Set(before.keys());
  for (const [to, own] of before) {
    for (const from of own) {
      left.add(from);
      const beside = after.get(from);
      if (beside) beside.push(to);
      else after.set(from, [to]);
    }
  }
  for (const [ahead, behind] of /** @type {[Map<number, Iterable<number>>, Map<number, Iterable<number>>][]} */ ([[after, before], [before, after]])) {
    /** @type {Map<number, number>} */
    const waiting = new Map();
    for (const k of left) {
      let n = 0;
      for (const other of behind.get(k) ?? []) if (left.has(other)) n += 1;
      waiting.set(k, n);
    }
    const free = [...left].filter((k) => waiting.get(k) === 0);
    for (let k = free.pop(); k !== undefined; k = free.pop()) {
      left.delete(k);
      for (const following of ahead.get(k) ?? []) {
        if (!left.has(following)) continue;
        const n = (waiting.get(following) ?? 0) - 1;
        waiting.set(following, n);
        if (n === 0) free.push(following);
      }
    }
  }
  return left;
}

/** Per value, how often the longest way to it changes from one tangled part to another. @param {Tape} tape @param {Float64Array} part @param {Set<number>} tangled */
function timesEntered(tape, part, tangled) {
  const entered = new Int32Array(tape.size);
  const inside = new Uint8Array(tape.size);
  const free = new Uint8Array(tape.size);
  for (let v = 0; v < tape.size; v += 1) {
    if (!tangled.has(part[v])) continue;
    inside[v] = 1;
    free[v] = 1;
    for (let at = tape.starts[v]; at < tape.starts[v + 1]; at += 1) {
      const u = tape.operands[at];
      if (!inside[u]) continue;
      entered[v] = Math.max(entered[v], entered[u] + (part[u] !== part[v] ? 1 : 0));
      free[v] = 0;
    }
  }
  const latest = new Int32Array(tape.size).fill(2147483647);
  for (let v = tape.size - 1; v >= 0; v -= 1) {
    if (free[v]) entered[v] = latest[v] === 2147483647 ? 0 : latest[v];
    if (!inside[v]) continue;
    for (let at = tape.starts[v]; at < tape.starts[v + 1]; at += 1) {
      const u = tape.operands[at];
      if (free[u]) latest[u] = Math.min(latest[u], entered[v] - (part[u] !== part[v] ? 1 : 0));
    }
  }
  return entered;
}

/** @param {Tape} tape @param {Float64Array} part @param {number} groups @returns {View} */
function contracted(tape, part, groups) {
  /** @type {Map<number, number>} */
  const number = new Map();
  const at = new Int32Array(tape.size);
  for (let v = 0; v < tape.size; v += 1) {
    let k = number.get(part[v]);
    if (k === undefined) {
      k = number.size;
      number.set(part[v], k);
    }
    at[v] = k;
  }
  /** @type {Part[]} */
  const parts = [];
  const { parent } = tape.groups;
  const width = tape.size + groups;
  for (const id of number.keys()) {
    const group = id >= tape.size ? (id % width) - tape.size : -1;
    const value = group < 0 ? id : -1;
    const within = group < 0 ? tape.group[value] : parent[group];
    parts.push({ value, group, within, values: 0, operations: 0 });
  }
  /** @type {number[][]} */
  const operands = parts.map(() => []);
  const firsts = new Int32Array(parts.length);
  for (let v = 0; v < tape.size; v += 1) {
    const own = parts[at[v]];
    if (!own.values) firsts[at[v]] = v;
    own.values += 1;
    if (tape.ops[v] >= 0) own.operations += 1;
    if (own.group < 0) operands[at[v]] = tape.operandsOf(v).map((u) => at[u]);
  }
  for (const [to, own] of edgesOf(tape, part)) {
    const k = /** @type {number} */ (number.get(to));
    if (parts[k].group >= 0) operands[k] = [...own].map((from) => /** @type {number} */ (number.get(from)));
  }
  parts.forEach((own, k) => {
    if (own.group >= 0 && own.values === 1) { // a group of one value is that value
      own.value = firsts[k];
      operands[k] = tape.operandsOf(own.value).map((u) => at[u]);
    }
  });
  return ordered(parts, operands, at);
}

/** In a topological order. @param {Part[]} parts @param {number[][]} operands @param {Int32Array} at @returns {View} */
function ordered(parts, operands, at) {
  const order = [];
  const state = new Uint8Array(parts.length);
  for (let begin = 0; begin < parts.length; begin += 1) {
    const stack = [begin];
    while (stack.length) {
      const v = stack[stack.length - 1];
      const missing = state[v] === 2 ? [] : operands[v].filter((u) => state[u] === 0);
      if (missing.length) {
        state[v] = 1;
        stack.push(...missing.reverse());
        continue;
      }
      stack.pop();
      if (state[v] !== 2) {
        state[v] = 2;
        order.push(v);
      }
    }
  }
  const place = new Int32Array(parts.length);
  order.forEach((old, k) => (place[old] = k));
  return {
    parts: order.map((old) => parts[old]),
    operands: order.map((old) => operands[old].map((u) => place[u])),
    partOf: at.map((k) => place[k]),
  };
}
