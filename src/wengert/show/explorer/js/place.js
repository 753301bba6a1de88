/**
 * From a scene to a picture: what stands where and where edges run, the twin of show/place.py and
 * show/cells.py for pictures that flow from left to right.
 */
import { layout } from "./layout.js";
import { columns, shorten } from "./text.js";

export const ADVANCE = 0.602;
export const SIZE = 13;
const [SMALL, SYMBOL, TAG, NAME] = [11, 14, 9.5, 11];
const PAD = 9;
const [RECORD, STACK, ROUND] = [32, 46, 32];
const GAP = 22;
const BEHIND = 4;
const HEAD = 7;
const MANY = 6;
const [FRAME_TOP, FRAME_PAD] = [22, 10];
const WORDS = ["data", "grad"];

/**
 * @typedef {object} Cell one value with its operation, or one part that stands for many
 * @property {string} kind leaf, value, root or group
 * @property {string} op the operation's symbol, "" for none
 * @property {string[]} fields
 * @property {string} about
 * @property {number[]} operands
 * @property {boolean} ordered whether the order of the operands matters
 * @property {number} frame the frame it stands in, -1 for none
 *
 * @typedef {object} Frame
 * @property {string} name
 * @property {number} outer the frame around this one, -1 for none
 *
 * @typedef {object} Scene
 * @property {Cell[]} cells
 * @property {Frame[]} frames
 *
 * @typedef {{shape: "box", x: number, y: number, width: number, height: number, radius: number, style: string}} Box
 * @typedef {{shape: "line", points: [number, number][], curves: number, style: string}} Line
 * @typedef {{shape: "text", x: number, y: number, text: string, width: number, size: number, style: string, field?: number}} Text
 * @typedef {Box | Line | Text} Shape
 *
 * @typedef {object} Group shapes that belong together
 * @property {string} kind frame, trunk, edge, or the kind of a cell
 * @property {string} about
 * @property {Shape[]} shapes
 * @property {number} at of a frame or a cell, its number; of an edge, the cell it enters
 * @property {number} [from] of an edge, the cell it comes from
 * @property {number} [slot] of an edge, the place of the operand
 *
 * @typedef {[number, number, number, number]} Bounds left, top, right, bottom
 *
 * @typedef {object} Picture
 * @property {Group[]} groups
 * @property {Bounds[]} bounds of every cell
 * @property {Bounds} around
 */

/** The room a line of text takes. @param {string} text @param {number} size */
export function widthOf(text, size) {
  return columns(text) * ADVANCE * size;
}

/** Width and height of a record or of a folded part. @param {Cell} cell @returns {[number, number]} */
function cardSize(cell) {
  if (cell.kind === "group") {
    const [title, detail] = cell.fields;
    return [Math.max(widthOf(title, SIZE), widthOf(detail, SMALL)) + 2 * PAD + BEHIND, STACK];
  }
  let width = 0;
  for (const field of cell.fields) width += widthOf(field, SIZE) + 2 * PAD;
  return [width, RECORD];
}

/** Width of the round node of an operation, 0 for none. @param {Cell} cell */
function opWidth(cell) {
  return cell.op ? Math.max(ROUND, widthOf(cell.op, SYMBOL) + 2 * PAD) : 0;
}

/** How much room a cell takes along and across the flow. @param {Cell} cell @returns {[number, number]} */
export function sizeOf(cell) {
  const [width, height] = cardSize(cell);
  const op = opWidth(cell);
  return [width + (op ? op + GAP : 0), Math.max(height, op ? ROUND : 0)];
}

/** The frames each cell is in, outermost first. @param {Scene} scene @returns {number[][]} */
function pathsOf(scene) {
  /** @type {number[][]} */
  const paths = [];
  for (const frame of scene.frames) {
    paths.push([...(frame.outer >= 0 ? paths[frame.outer] : []), paths.length]);
  }
  return scene.cells.map((cell) => (cell.frame >= 0 ? paths[cell.frame] : []));
}

/** The picture of a scene. @param {Scene} scene @returns {Picture} */
export function place(scene) {
  const sizes = scene.cells.map(sizeOf);
  const paths = pathsOf(scene);
  const placed = layout(sizes, scene.cells.map((cell) => cell.operands), paths);
  /** @type {[number, number][]} */
  const spots = sizes.map((size, v) => [placed.columns[placed.rank[v]][1] - size[0], placed.across[v]]);
  /** @type {Bounds[]} */
  const bounds = spots.map(([x, y], v) => [x, y - sizes[v][1] / 2, x + sizes[v][0], y + sizes[v][1] / 2]);
  const frames = framesOf(scene, paths, bounds);
  /** @type {Group[]} */
  const groups = [...frames.keys()].sort((a, b) => a - b)
    .map((k) => drawnFrame(scene, k, /** @type {Bounds} */ (frames.get(k))));
  groups.push(...edgesOf(scene, placed, spots));
  scene.cells.forEach((cell, v) => {
    const tag = cell.frame >= 0 && !frames.has(cell.frame) ? scene.frames[cell.frame].name : "";
    groups.push({ kind: cell.kind, about: cell.about, at: v, shapes: cellShapes(cell, spots[v], tag) });
  });
  /** @type {Bounds[]} */
  const bends = placed.across.map((y) => [0, y, 0, y]);
  return { groups, bounds, around: union([...bounds, ...frames.values(), ...bends]) };
}

/** @param {Bounds[]} all @returns {Bounds} */
export function union(all) {
  if (!all.length) return [0, 0, 0, 0];
  /** @type {Bounds} */
  const around = [Infinity, Infinity, -Infinity, -Infinity];
  for (const b of all) {
    around[0] = Math.min(around[0], b[0]);
    around[1] = Math.min(around[1], b[1]);
    around[2] = Math.max(around[2], b[2]);
    around[3] = Math.max(around[3], b[3]);
  }
  return around;
}

// --- cells ---------------------------------------------------------------------------------------

/** @param {Cell} cell @param {[number, number]} spot @param {string} tag @returns {Shape[]} */
function cellShapes(cell, spot, tag) {
  let [along] = spot;
  const across = spot[1];
  const [width, height] = cardSize(cell);
  /** @type {Shape[]} */
  const shapes = [];
  if (cell.op) {
    const op = opWidth(cell);
    const room = widthOf(cell.op, SYMBOL);
    const drop = cell.op === "*" ? 0.5 : 0.34;
    const x = along + op / 2;
    shapes.push({ shape: "box", x: along, y: across - ROUND / 2, width: op, height: ROUND, radius: ROUND / 2, style: "op" });
    shapes.push({ shape: "text", x: x - room / 2, y: across + drop * SYMBOL, text: cell.op, width: room, size: SYMBOL, style: "symbol" });
    along += op + GAP;
    shapes.push({ shape: "line", points: [[along - GAP, across], [along - HEAD + 1, across]], curves: 0, style: "edge" });
    shapes.push(head([along, across]));
  }
  const top = across - height / 2;
  shapes.push(...(cell.kind === "group" ? foldedShapes(cell, along, top) : recordShapes(cell, along, top)));
  if (tag) {
    const text = shorten(tag, Math.floor(width / (ADVANCE * TAG)));
    shapes.push({ shape: "text", x: along + 1, y: top - 4, text, width: widthOf(text, TAG), size: TAG, style: "scope" });
  }
  return shapes;
}

/** @param {[number, number]} tip @returns {Line} */
function head([along, across]) {
  const back = along - HEAD;
  return {
    shape: "line", curves: 0, style: "arrow",
    points: [[along, across], [back, across - HEAD / 2], [back, across + HEAD / 2]],
  };
}

/** @param {Cell} cell @param {number} left @param {number} top @returns {Shape[]} */
function recordShapes(cell, left, top) {
  const [width] = cardSize(cell);
  /** @type {Shape[]} */
  const shapes = [{ shape: "box", x: left, y: top, width, height: RECORD, radius: 5, style: cell.kind }];
  let x = left;
  const y = top + RECORD / 2 + 0.35 * SIZE;
  cell.fields.forEach((field, k) => {
    if (k) {
      shapes.push({ shape: "line", points: [[x, top], [x, top + RECORD]], curves: 0, style: `rule ${cell.kind}` });
    }
    x += PAD;
    const room = widthOf(field, SIZE);
    const split = field.indexOf(" ");
    const word = split < 0 ? field : field.slice(0, split);
    if (!WORDS.includes(word) || cell.fields.length === 1 || (k === 0 && cell.fields.length === 3)) {
      shapes.push({ shape: "text", x, y, text: field, width: room, size: SIZE, style: "label" });
    } else {
      const apart = widthOf(`${word} `, SIZE);
      const figure = split < 0 ? "" : field.slice(split + 1);
      shapes.push({ shape: "text", x, y, text: word, width: widthOf(word, SIZE), size: SIZE, style: "word" });
      shapes.push({ shape: "text", x: x + apart, y, text: figure, width: room - apart, size: SIZE, style: "number", field: WORDS.indexOf(word) });
    }
    x += room + PAD;
  });
  return shapes;
}

/** @param {Cell} cell @param {number} left @param {number} top @returns {Shape[]} */
function foldedShapes(cell, left, top) {
  const [width, height] = cardSize(cell);
  const [title, detail] = cell.fields;
  return [
    { shape: "box", x: left + BEHIND, y: top - BEHIND, width: width - BEHIND, height: height - BEHIND, radius: 6, style: "behind" },
    { shape: "box", x: left, y: top, width: width - BEHIND, height, radius: 6, style: "group" },
    { shape: "text", x: left + PAD, y: top + 19.5, text: title, width: widthOf(title, SIZE), size: SIZE, style: "label" },
    { shape: "text", x: left + PAD, y: top + 36, text: detail, width: widthOf(detail, SMALL), size: SMALL, style: "word" },
  ];
}

// --- frames --------------------------------------------------------------------------------------

/** The bounds of each frame that holds all of its cells and nothing else. @param {Scene} scene @param {number[][]} paths @param {Bounds[]} bounds */
function framesOf(scene, paths, bounds) {
  /** @type {Map<number, number[]>} */
  const members = new Map();
  paths.forEach((path, v) => {
    for (const frame of path) {
      const own = members.get(frame);
      if (own) own.push(v);
      else members.set(frame, [v]);
    }
  });
  const byLeft = bounds.map((_, v) => v).sort((a, b) => bounds[a][0] - bounds[b][0]);
  const lefts = byLeft.map((v) => bounds[v][0]);
  const widest = bounds.reduce((most, b) => Math.max(most, b[2] - b[0]), 0);
  /** @type {Map<number, Bounds>} */
  const frames = new Map();
  for (let frame = scene.frames.length - 1; frame >= 0; frame -= 1) {
    const own = new Set(members.get(frame) ?? []);
    const inside = [...own].map((v) => bounds[v]);
    for (const [k, b] of frames) if (scene.frames[k].outer === frame) inside.push(b);
    let [left, top, right, bottom] = union(inside);
    left -= FRAME_PAD;
    top -= FRAME_TOP;
    right = Math.max(right + FRAME_PAD, left + widthOf(scene.frames[frame].name, NAME) + 16);
    /** @type {Bounds} */
    const around = [left, top, right, bottom + FRAME_PAD];
    const near = byLeft.slice(after(lefts, left - widest), after(lefts, right));
    if (!near.some((v) => !own.has(v) && overlap(around, bounds[v]))) frames.set(frame, around);
  }
  for (const [frame, around] of [...frames]) {
    for (const other of [...frames.keys()]) {
      const beside = /** @type {Bounds} */ (frames.get(other));
      if (other < frame && !within(scene, frame, other) && overlap(around, beside)) frames.delete(other);
    }
  }
  return frames;
}

/** How many of the sorted numbers are at most x. @param {number[]} sorted @param {number} x */
function after(sorted, x) {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] <= x) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** @param {Scene} scene @param {number} frame @param {number} outer */
function within(scene, frame, outer) {
  while (frame >= 0 && frame !== outer) frame = scene.frames[frame].outer;
  return frame === outer;
}

/** @param {Bounds} a @param {Bounds} b */
function overlap(a, b) {
  return a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
}

/** @param {Scene} scene @param {number} frame @param {Bounds} around @returns {Group} */
function drawnFrame(scene, frame, [left, top, right, bottom]) {
  const { name } = scene.frames[frame];
  return {
    kind: "frame", about: `scope ${name}`, at: frame,
    shapes: [
      { shape: "box", x: left, y: top, width: right - left, height: bottom - top, radius: 8, style: "frame" },
      { shape: "text", x: left + 8, y: top + 14.5, text: name, width: widthOf(name, NAME), size: NAME, style: "scope" },
    ],
  };
}

// --- edges ---------------------------------------------------------------------------------------

/** @param {Scene} scene @param {import("./layout.js").Layout} placed @param {[number, number][]} spots */
function edgesOf(scene, placed, spots) {
  const cells = scene.cells.length;
  const source = placed.rank.map((_, k) => (k < cells ? k : -1));
  /** @type {Map<string, number>} */
  const entry = new Map();
  /** @type {Group[]} */
  const groups = [];
  for (const [i, j] of placed.steps) {
    if (j >= cells) {
      source[j] = source[i];
      const [start, end] = placed.columns[placed.rank[j]];
      const line = curve(placed, i, [start, placed.across[j]], end, "edge");
      groups.push({ kind: "trunk", about: "", at: -1, from: source[j], shapes: [line] });
    } else entry.set(`${source[i]},${j}`, i);
  }
  scene.cells.forEach((cell, v) => {
    const begins = cell.operands.map((u, slot) => ({ i: entry.get(`${u},${v}`) ?? u, u, slot }));
    if (!cell.ordered) begins.sort((a, b) => placed.across[a.i] - placed.across[b.i]);
    const reach = cell.kind === "group" ? STACK / 2 - 6 : 11;
    begins.forEach(({ i, u, slot }, k) => {
      let apart = Math.min(9, (2 * reach) / Math.max(begins.length - 1, 1));
      if (begins.length > MANY && cell.kind === "group") apart = 0;
      const aside = (k - (begins.length - 1) / 2) * apart;
      const at = spots[v][1] + aside;
      const radius = ROUND / 2;
      const cap = cell.op ? radius - Math.sqrt(Math.max(0, radius * radius - aside * aside)) : 0;
      const tip = spots[v][0] + cap;
      const start = Math.min(placed.columns[placed.rank[v]][0], tip - HEAD);
      const style = begins.length <= MANY ? "edge" : "thin";
      const line = curve(placed, i, [start, at], tip - HEAD + 1, style);
      groups.push({ kind: "edge", about: "", at: v, from: u, slot, shapes: [line, head([tip, at])] });
    });
  });
  return groups;
}

/** From the end of an item's rank by an S to a rank's beginning, then straight on. @param {import("./layout.js").Layout} placed @param {number} item @param {[number, number]} bend @param {number} end @param {string} style @returns {Line} */
function curve(placed, item, bend, end, style) {
  const start = placed.columns[placed.rank[item]][1];
  const across = placed.across[item];
  const middle = (start + bend[0]) / 2;
  return {
    shape: "line", curves: 1, style,
    points: [[start, across], [middle, across], [middle, bend[1]], bend, [end, bend[1]]],
  };
}
