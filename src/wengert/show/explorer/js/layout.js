/**
 * Layered layout, the twin of show/layout.py: the same positions, number by number.
 */
import { crossLess, Ranked } from "./crossing.js";

const BEND = 4;
const BORDER = [24, 12];
const APART = 16;
const SWEEPS = 8;
const SMALL = 2000;

/**
 * @typedef {object} Layout
 * @property {number[]} rank of every item
 * @property {number[]} across the middle of every item
 * @property {[number, number][]} columns where each rank begins and ends along the flow
 * @property {[number, number][]} steps the pieces that edges consist of
 * @property {number} extent across
 */

/**
 * Positions for cells that are given in topological order.
 * @param {[number, number][]} sizes of each cell, along and across the flow
 * @param {number[][]} operands of each cell, the cells whose edges enter it
 * @param {number[][]} [groups] of each cell, the groups it is in, outermost first
 * @returns {Layout}
 */
export function layout(sizes, operands, groups = []) {
  const paths = groups.some((path) => path.length) ? groups.slice() : [];
  const drawn = itemsOf(ranks(operands, paths), operands, paths);
  crossLess(drawn);
  const breadth = sizes.map((size) => size[1]);
  for (let item = sizes.length; item < drawn.rank.length; item += 1) breadth.push(BEND);
  for (const [item, side] of drawn.border) breadth[item] = BORDER[side];
  let across = coordinates(drawn, breadth);
  let lowest = Infinity;
  across.forEach((y, k) => (lowest = Math.min(lowest, y - breadth[k] / 2)));
  across = across.map((y) => y - lowest);
  /** @type {[number, number][]} */
  const steps = [];
  for (let i = 0; i < drawn.rank.length; i += 1) {
    if (!drawn.border.has(i)) for (const j of drawn.after[i]) steps.push([i, j]);
  }
  let extent = 0;
  across.forEach((y, k) => (extent = Math.max(extent, y + breadth[k] / 2)));
  return { rank: drawn.rank, across, columns: columnsOf(drawn, sizes, across), steps, extent };
}

/** @param {number[]} a @param {number[]} b */
function same(a, b) {
  return a.length === b.length && a.every((x, k) => x === b[k]);
}

/**
 * The rank of each cell: after all its operands; a leaf stands just before its first user.
 * @param {number[][]} operands @param {number[][]} paths
 */
export function ranks(operands, paths) {
  const rank = new Array(operands.length).fill(0);
  const spans = new Array(operands.length).fill(1);
  /** @param {number} u @param {number} v */
  const span = (u, v) => (paths.length && !same(paths[u], paths[v]) ? spans[v] : 1);
  operands.forEach((own, v) => {
    if (paths.length && own.some((u) => !operands[u].length && same(paths[u], paths[v]))) {
      spans[v] = 2;
    }
    for (const u of own) rank[v] = Math.max(rank[v], rank[u] + span(u, v));
  });
  const latest = new Array(operands.length).fill(-1);
  for (let v = operands.length - 1; v >= 0; v -= 1) {
    if (!operands[v].length && latest[v] >= 0) rank[v] = latest[v];
    for (const u of operands[v]) {
      const before = rank[v] - span(u, v);
      latest[u] = latest[u] < 0 ? before : Math.min(latest[u], before);
    }
  }
  let first = Infinity;
  for (const r of rank) first = Math.min(first, r);
  return rank.map((r) => r - first);
}

/** @param {number[]} rank @param {number[][]} operands @param {number[][]} paths */
function itemsOf(rank, operands, paths) {
  const drawn = new Ranked(operands.length, rank.slice(), paths);
  const used = new Array(operands.length).fill(false);
  for (const own of operands) for (const u of own) used[u] = true;
  for (const v of depthFirst(operands, used)) drawn.layers[rank[v]].push(v);
  const chains = operands.map((_, v) => [v]);
  operands.forEach((own, v) => {
    [...new Set(own)].forEach((u, slot) => {
      const chain = chains[u];
      while (chain.length < rank[v] - rank[u]) {
        const path = paths.length ? shared(paths[u], paths[v]) : [];
        const bend = drawn.add(rank[u] + chain.length, path);
        drawn.link(chain[chain.length - 1], bend);
        chain.push(bend);
      }
      drawn.link(chain[rank[v] - rank[u] - 1], v, 0.6 * ((slot + 0.5) / own.length - 0.5));
    });
  });
  if (paths.length) addBorders(drawn, operands.length);
  return drawn;
}

/** @param {number[][]} operands @param {boolean[]} used */
function depthFirst(operands, used) {
  const order = [];
  const seen = new Array(operands.length).fill(false);
  const stack = [];
  for (let v = operands.length - 1; v >= 0; v -= 1) if (!used[v]) stack.push(v);
  for (let v = stack.pop(); v !== undefined; v = stack.pop()) {
    if (seen[v]) continue;
    seen[v] = true;
    order.push(v);
    for (let k = operands[v].length - 1; k >= 0; k -= 1) stack.push(operands[v][k]);
  }
  return order;
}

/** The groups that both are in. @param {number[]} one @param {number[]} other */
function shared(one, other) {
  let k = 0;
  while (k < one.length && k < other.length && one[k] === other[k]) k += 1;
  return one.slice(0, k);
}

/** For each group, in each of its ranks, an item on either side of it. @param {Ranked} drawn @param {number} cells */
function addBorders(drawn, cells) {
  /** @type {Map<string, {path: number[], first: number, last: number}>} */
  const reach = new Map();
  for (let v = 0; v < cells; v += 1) {
    for (let k = 1; k <= drawn.paths[v].length; k += 1) {
      const path = drawn.paths[v].slice(0, k);
      const key = path.join("/");
      const r = drawn.rank[v];
      const found = reach.get(key);
      if (found) {
        found.first = Math.min(found.first, r);
        found.last = Math.max(found.last, r);
      } else reach.set(key, { path, first: r, last: r });
    }
  }
  for (const { path, first, last } of reach.values()) {
    for (const side of [0, 1]) {
      let previous = -1;
      for (let r = first; r <= last; r += 1) {
        const item = drawn.add(r, path);
        drawn.border.set(item, side);
        if (previous >= 0) drawn.link(previous, item);
        previous = item;
      }
    }
  }
}

/** The middle of each item across. @param {Ranked} drawn @param {number[]} breadth */
function coordinates(drawn, breadth) {
  const { cells } = drawn;
  const offset = new Array(breadth.length).fill(0);
  for (const layer of drawn.layers) {
    for (let k = 1; k < layer.length; k += 1) {
      const [a, b] = [layer[k - 1], layer[k]];
      const apart = a < cells && b < cells ? APART : 6;
      offset[b] = offset[a] + (breadth[a] + breadth[b]) / 2 + apart;
    }
  }
  const weights = breadth.map((_, k) => (drawn.border.has(k) ? 64 : k < cells ? 1 : 4));
  const across = offset.slice();
  const sweeps = breadth.length > SMALL ? SWEEPS : 3 * SWEEPS;
  for (let sweep = 0; sweep < sweeps; sweep += 1) {
    const forward = sweep % 2 === 1;
    const near = forward ? drawn.before : drawn.after;
    const far = forward ? drawn.after : drawn.before;
    const both = sweep === sweeps - 2;
    for (const layer of forward ? drawn.layers : drawn.layers.slice().reverse()) {
      const wishes = layer.map((item) => {
        const beside = both ? near[item].concat(far[item]) : near[item].length ? near[item] : far[item];
        if (beside.length === 1) return across[beside[0]] - offset[item];
        let wish = 0;
        for (const k of beside) wish += across[k];
        return (beside.length ? wish / beside.length : 0) - offset[item];
      });
      isotonic(layer, wishes, weights).forEach((shift, k) => {
        across[layer[k]] = shift + offset[layer[k]];
      });
    }
  }
  return across;
}

/** The non-decreasing numbers nearest to the wishes. @param {number[]} layer @param {number[]} wishes @param {number[]} weights */
function isotonic(layer, wishes, weights) {
  /** @type {number[]} */
  const means = [];
  /** @type {number[]} */
  const masses = [];
  /** @type {number[]} */
  const counts = [];
  layer.forEach((item, k) => {
    let [mean, mass, many] = [wishes[k], weights[item], 1];
    while (means.length && means[means.length - 1] > mean) {
      const other = /** @type {number} */ (masses.pop());
      mean = (mean * mass + /** @type {number} */ (means.pop()) * other) / (mass + other);
      mass += other;
      many += /** @type {number} */ (counts.pop());
    }
    means.push(mean);
    masses.push(mass);
    counts.push(many);
  });
  return means.flatMap((mean, k) => new Array(counts[k]).fill(mean));
}

/** Where each rank begins and ends. @param {Ranked} drawn @param {[number, number][]} sizes @param {number[]} across @returns {[number, number][]} */
function columnsOf(drawn, sizes, across) {
  /** @type {[number, number][]} */
  const columns = [];
  let end = -Infinity;
  let depth = 0;
  for (const layer of drawn.layers) {
    let width = 0;
    let steep = 0;
    let nested = 0;
    for (const item of layer) {
      if (item < drawn.cells) width = Math.max(width, sizes[item][0]);
      for (const i of drawn.before[item]) steep = Math.max(steep, Math.abs(across[item] - across[i]));
      if (drawn.paths.length) nested = Math.max(nested, drawn.paths[item].length);
    }
    const room = Math.min(44 + 0.08 * steep + 10 * (nested + depth), 150);
    const start = columns.length ? end + room : 0;
    end = start + width;
    depth = nested;
    columns.push([start, end]);
  }
  return columns;
}
