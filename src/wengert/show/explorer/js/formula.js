/**
 * What a step says: the operation or the chain rule, in symbols and in numbers.
 */
import { short, shorten } from "./text.js";

/** @typedef {import("./engine.js").Engine} Engine */
/** @typedef {{symbols: string, numbers: string, note: string}} Said */

const NAME = 24; // the most columns of a name
const PLAIN = /^[\p{L}_][\p{L}\p{N}_′#]*$/u;

/** A name as it stands among signs. @param {string} name */
export function bracketed(name) {
  return PLAIN.test(name) ? shorten(name, NAME) : `(${shorten(name, NAME)})`;
}

/** @param {number} x */
function inside(x) {
  return x < 0 || Object.is(x, -0) ? `(${short(x)})` : short(x);
}

/** The template with its operands in place. @param {string} template @param {string[]} operands @param {string} result */
function filled(template, operands, result) {
  return template.replace(/\b(?:x(\d+)_|z_)/g, (whole, k, at) => {
    const piece = k === undefined ? result : operands[Number(k)];
    const enclosed = "(|⌊⌈[".includes(template[at - 1] ?? "-") && ")|⌋⌉]".includes(template[at + whole.length] ?? "-");
    return enclosed ? piece.replace(/^\((.*)\)$/, "$1") : piece;
  });
}

/** How a value is computed. @param {Engine} engine @param {number} k @returns {Said} */
export function forwardSaid(engine, k) {
  const { tape } = engine;
  const kind = tape.kind(k);
  const name = shorten(tape.name(k), NAME);
  if (!kind) return { symbols: `${name} = ${short(engine.data[k])}`, numbers: "", note: tape.cut.has(k) ? "computed by what was left out of this page; here it is a leaf" : "a leaf: a number you put in" };
  const operands = tape.operandsOf(k);
  const names = operands.map((u) => bracketed(tape.name(u)));
  const symbols = filled(kind.text, names, bracketed(name));
  const numbers = filled(kind.text, operands.map((u) => inside(engine.data[u])), short(engine.data[k]));
  return { symbols: `${name} = ${symbols}`, numbers: `= ${numbers} = ${short(engine.data[k])}`, note: filled(kind.about, names, bracketed(name)) };
}

/** ∂root/∂value. @param {Engine} engine @param {number} k */
export function slopeName(engine, k) {
  return `∂${bracketed(engine.tape.name(engine.root))}/∂${bracketed(engine.tape.name(k))}`;
}

/** The local derivative as a formula, "" where it is just a number or not known. @param {Engine} engine @param {number} k @param {number} slot */
export function partialText(engine, k, slot) {
  const { tape } = engine;
  const template = tape.kind(k)?.partials[slot] ?? "";
  if (!template || Number.isFinite(Number(template))) return "";
  return filled(template, tape.operandsOf(k).map((u) => bracketed(tape.name(u))), bracketed(tape.name(k)));
}

/** What a value adds to the gradient of an operand. @param {Engine} engine @param {import("./engine.js").Backward} step @returns {Said} */
export function backwardSaid(engine, step) {
  const { tape } = engine;
  const [node, operand] = [bracketed(tape.name(step.node)), bracketed(tape.name(step.operand))];
  const often = tape.operandsOf(step.node).filter((u) => u === step.operand).length > 1;
  const formula = partialText(engine, step.node, step.slot);
  const local = often ? `(${formula || short(step.partial)})` : `∂${node}/∂${operand}`;
  const sign = step.first ? "=" : "+=";
  const symbols = `${slopeName(engine, step.operand)} ${sign} ${local} · ${slopeName(engine, step.node)}`;
  const numbers = `= ${short(step.partial)} × ${short(step.upstream)} = ${short(step.added)}`;
  const notes = [];
  if (formula && !often) notes.push(`∂${node}/∂${operand} = ${formula}${formula === short(step.partial) ? "" : ` = ${short(step.partial)}`}`);
  if (!step.first) notes.push(`added to what was there: ${short(step.total)} so far`);
  if (step.added === 0 && step.upstream === 0) notes.push("a gradient of 0 passes nothing on");
  return { symbols, numbers, note: notes.join("; ") };
}
