/**
 * What is drawn: a cell for each part of a view, a frame for each open group around cells.
 */
import { count, number, shorten } from "./text.js";

/** @typedef {import("./engine.js").Engine} Engine */
/** @typedef {import("./fold.js").View} View */
/** @typedef {import("./place.js").Scene} Scene */

const [LABEL, SIGN, TITLE] = [24, 12, 40]; // the most columns each may take
const FIGURE = 7; // columns kept for a number, so that cells do not jump when it changes

/** A figure with the room that it keeps. @param {string} figure */
export function roomy(figure) {
  return figure.padEnd(FIGURE, " ");
}

/** The scene of a view. @param {Engine} engine @param {View} view @param {boolean} framed @returns {Scene & {groups: number[]}} */
export function sceneOf(engine, view, framed) {
  const { tape } = engine;
  const groups = framed ? framesOf(tape, view) : [];
  const frameOf = new Map(groups.map((g, k) => [g, k]));
  const roots = new Set(tape.roots);
  const cells = view.parts.map((part, k) => {
    const frame = frameOf.get(part.within) ?? -1;
    const operands = view.operands[k];
    if (part.value < 0) {
      const title = shorten(tape.groupTitle(part.group), TITLE);
      const detail = `${count(part.values, "value")}, ${count(part.operations, "operation")}`;
      return { kind: "group", op: "", fields: [title, detail], about: title, operands, ordered: false, frame };
    }
    const kind = tape.kind(part.value);
    const fields = [`data ${roomy(number(engine.data[part.value]))}`, `grad ${roomy(number(engine.grad[part.value]))}`];
    const label = tape.labels.get(part.value);
    if (label) fields.unshift(shorten(label, LABEL));
    return {
      kind: roots.has(part.value) ? "root" : kind ? "value" : "leaf",
      op: kind ? shorten(kind.symbol, SIGN) : "",
      fields, about: tape.name(part.value), operands, ordered: !kind?.commutative, frame,
    };
  });
  const frames = groups.map((g) => ({
    name: `${shorten(tape.groupTitle(g), TITLE)}  −`,
    outer: frameOf.get(tape.groups.parent[g]) ?? -1,
  }));
  return { cells, frames, groups };
}

/** The open groups around cells, outer ones first. @param {import("./tape.js").Tape} tape @param {View} view */
function framesOf(tape, view) {
  /** @type {Set<number>} */
  const found = new Set();
  for (const part of view.parts) {
    for (let g = part.within; g >= 0 && !found.has(g); g = tape.groups.parent[g]) found.add(g);
  }
  return [...found].sort((a, b) => a - b);
}
