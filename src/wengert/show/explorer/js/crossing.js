/**
 * The order of items within their ranks, so that few edges cross: the twin of show/crossing.py.
 */

const SWEEPS = 8;
const COUNTED = 4000;

/** Items in ranks: cells first, then bends and borders. */
export class Ranked {
  /** @param {number} cells @param {number[]} rank @param {number[][]} paths */
  constructor(cells, rank, paths) {
    this.cells = cells;
    this.rank = rank;
    this.paths = paths;
    /** @type {number[][]} */
    this.before = rank.map(() => []);
    /** @type {number[][]} */
    this.after = rank.map(() => []);
    /** @type {number[][]} */
    this.ports = rank.map(() => []);
    /** @type {number[][]} */
    this.layers = [];
    let last = -1;
    for (const r of rank) last = Math.max(last, r);
    for (let r = 0; r <= last; r += 1) this.layers.push([]);
    /** @type {Map<number, number>} */
    this.border = new Map();
  }

  /** A further item. @param {number} rank @param {number[]} path */
  add(rank, path) {
    const item = this.rank.length;
    this.rank.push(rank);
    this.before.push([]);
    this.after.push([]);
    this.ports.push([]);
    this.layers[rank].push(item);
    if (this.paths.length) this.paths.push(path);
    return item;
  }

  /** Join an item to one in the next rank. @param {number} item @param {number} following @param {number} [port] */
  link(item, following, port = 0) {
    this.after[item].push(following);
    this.ports[item].push(port);
    this.before[following].push(item);
  }
}

/** Reorder every layer in place. @param {Ranked} drawn */
export function crossLess(drawn) {
  const place = new Array(drawn.rank.length).fill(0);
  for (const layer of drawn.layers) numberLayer(layer, place);
  const grouped = drawn.paths.length > 0;
  if (grouped) sortGroups(drawn, place);
  let links = 0;
  for (const own of drawn.after) links += own.length;
  const counted = links <= COUNTED;
  let best = drawn.layers.map((layer) => layer.slice());
  let fewest = Infinity;
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const crossings = counted ? countCrossings(drawn) : -sweep;
    if (crossings < fewest) {
      best = drawn.layers.map((layer) => layer.slice());
      fewest = crossings;
    }
    if (crossings === 0 && counted) break;
    const backward = sweep % 2 === 0;
    const layers = backward ? drawn.layers.slice().reverse() : drawn.layers;
    for (const layer of layers) {
      for (const item of layer) {
        const near = backward
          ? drawn.after[item].map((k, at) => place[k] + drawn.ports[item][at])
          : drawn.before[item].map((k) => place[k]);
        if (near.length) place[item] = median(near);
      }
      if (!grouped) {
        layer.sort((a, b) => place[a] - place[b]);
        numberLayer(layer, place);
      }
    }
    if (grouped) sortGroups(drawn, place);
  }
  drawn.layers = best;
}

/** @param {number[]} layer @param {number[]} place */
function numberLayer(layer, place) {
  const middle = (layer.length - 1) / 2;
  layer.forEach((item, k) => (place[item] = k - middle));
}

/** @param {number[]} places */
function median(places) {
  if (places.length === 1) return places[0];
  places.sort((a, b) => a - b);
  const middle = Math.floor(places.length / 2);
  return places.length % 2 ? places[middle] : (places[middle - 1] + places[middle]) / 2;
}

/** Sort all layers, each group at the mean place of its cells. @param {Ranked} drawn @param {number[]} place */
function sortGroups(drawn, place) {
  /** @type {Map<string, [number, number]>} */
  const total = new Map();
  /** @type {Map<number[], string[]>} */
  const known = new Map();
  /** @param {number[]} path */
  const keysOf = (path) => {
    let keys = known.get(path);
    if (!keys) {
      keys = path.map((_, k) => path.slice(0, k + 1).join("/"));
      known.set(path, keys);
    }
    return keys;
  };
  for (let v = 0; v < drawn.cells; v += 1) {
    for (const key of keysOf(drawn.paths[v])) {
      const sums = total.get(key) ?? [0, 0];
      sums[0] += place[v];
      sums[1] += 1;
      total.set(key, sums);
    }
  }
  /** @param {number} item @returns {number[]} */
  const keyOf = (item) => {
    const path = drawn.paths[item];
    const parts = [];
    keysOf(path).forEach((key, k) => {
      const sums = /** @type {[number, number]} */ (total.get(key));
      parts.push(sums[0] / sums[1], path[k]);
    });
    const side = drawn.border.get(item);
    parts.push(side === undefined ? place[item] : side === 0 ? -Infinity : Infinity, -1);
    return parts;
  };
  for (const layer of drawn.layers) {
    const keys = new Map(layer.map((item) => [item, keyOf(item)]));
    layer.sort((a, b) => compare(keys.get(a) ?? [], keys.get(b) ?? []));
    numberLayer(layer, place);
  }
}

/** @param {number[]} a @param {number[]} b */
function compare(a, b) {
  for (let k = 0; k < a.length && k < b.length; k += 1) {
    if (a[k] !== b[k]) return a[k] < b[k] ? -1 : 1;
  }
  return a.length - b.length;
}

/** How many pairs of links cross. @param {Ranked} drawn */
function countCrossings(drawn) {
  let crossings = 0;
  for (let r = 0; r + 1 < drawn.layers.length; r += 1) {
    const position = new Map(drawn.layers[r + 1].map((item, k) => [item, k]));
    const links = drawn.layers[r].map((v) =>
      drawn.after[v].map((k, at) => (position.get(k) ?? 0) + drawn.ports[v][at]),
    );
    const ends = [...new Set(links.flat())].sort((a, b) => a - b);
    const order = new Map(ends.map((end, k) => [end, k + 1]));
    const sums = new Array(ends.length + 1).fill(0);
    let entered = 0;
    for (const own of links) {
      const taken = own.map((end) => order.get(end) ?? 0);
      for (const end of taken) {
        let atMost = 0;
        for (let k = end; k > 0; k -= k & -k) atMost += sums[k];
        crossings += entered - atMost;
      }
      for (const end of taken) for (let k = end; k < sums.length; k += k & -k) sums[k] += 1;
      entered += taken.length;
    }
  }
  return crossings;
}
