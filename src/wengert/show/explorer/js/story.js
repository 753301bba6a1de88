/**
 * Where a NaN or an infinity began, and how it spread: forward through values, back through
 * gradients.
 */
import { button, h } from "./dom.js";
import { forwardSaid, slopeName } from "./formula.js";
import { grouped, listed, short } from "./text.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {{first: number, spread: number[], reached: boolean, back: number, backNode: number, backSpread: number[]}} Found */

/** What is not finite in the graph; null where all is. @param {import("./engine.js").Engine} engine @returns {Found | null} */
export function badOf(engine) {
  const { tape, data, grad } = engine;
  let first = -1;
  const spread = [];
  for (let k = 0; k < tape.size; k += 1) {
    if (Number.isFinite(data[k])) continue;
    if (first < 0) first = k;
    else if (spread.length < 1000) spread.push(k);
  }
  let [back, backNode] = [-1, -1];
  const backSpread = [];
  for (let k = engine.root; k >= 0; k -= 1) {
    if (!Number.isFinite(grad[k]) && backSpread.length < 1000) backSpread.push(k);
  }
  if (backSpread.length) {
    for (let at = 0; at < engine.backwardNodes.length && back < 0; at += 1) {
      const node = engine.backwardNodes[at];
      const slot = engine.backwardSlots[at];
      const operand = tape.operands[tape.starts[node] + slot];
      if (Number.isFinite(grad[operand])) continue;
      if (!Number.isFinite(engine.contributions(node, grad[node])[slot])) [back, backNode] = [operand, node];
    }
  }
  if (first < 0 && back < 0) return null;
  return { first, spread, reached: !Number.isFinite(data[engine.root]), back, backNode, backSpread };
}

export class Story {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    this.element = h("section", { class: "story", "aria-label": "What to look at", hidden: true });
  }

  update() {
    const { app } = this;
    const { tape, engine } = app;
    const parts = [];
    const bad = app.bad;
    if (bad) {
      const names = (/** @type {number[]} */ ks) => listed(ks.map((k) => tape.name(k)));
      const sentences = [];
      if (bad.first >= 0) {
        const said = forwardSaid(engine, bad.first);
        const what = short(engine.data[bad.first]);
        sentences.push(tape.ops[bad.first] < 0 ? `The leaf ${tape.name(bad.first)} is ${what}.` : `${what} begins here: ${said.symbols} ${said.numbers}.`);
        if (bad.spread.length) sentences.push(`Forward it spread to ${names(bad.spread)}${bad.reached ? ", the root among them" : ", but not to the root"}.`);
      }
      if (bad.back >= 0) {
        sentences.push(`Backward, the first gradient that is not finite is ${slopeName(engine, bad.back)} = ${short(engine.grad[bad.back])}, by way of ${tape.name(bad.backNode)}.`);
        const others = bad.backSpread.filter((k) => k !== bad.back);
        if (others.length) sentences.push(`From there it went to the gradients of ${names(others)}.`);
      }
      const at = bad.first >= 0 ? bad.first : bad.back;
      parts.push(h("div", { class: "alert" }, h("strong", {}, "Not a finite number. "), sentences.join(" "), " ",
        button(`Show ${tape.name(at)}`, () => app.lookAt(at))));
    }
    const wrong = app.quiz ? [] : app.gradients.wrong();
    if (wrong.length) {
      const names = listed(wrong.map((k) => tape.name(k)));
      parts.push(h("div", { class: "alert" }, h("strong", {}, wrong.length > 1 ? "Gradients from Python are wrong: " : "A gradient from Python is wrong: "), `${names}${wrong.length > 1 ? `. Of ${tape.name(wrong[0])}` : ""}: ${app.gradients.finding(wrong[0]).reason}. `,
        button("Show the check", () => { app.select(wrong[0]); app.show("gradients"); })));
    }
    const flipped = [...tape.guards].filter(([k, expected]) => engine.data[k] !== expected);
    if (flipped.length) {
      const said = forwardSaid(engine, flipped[0][0]);
      parts.push(h("div", { class: "alert" }, h("strong", {}, "Another path. "), `With these numbers the recorded code would have gone another way: ${said.symbols} ${said.numbers}. What is shown is the path that was recorded. `,
        app.onagain && button("Show that path", () => app.onagain?.())));
    }
    if (tape.leftOut) {
      parts.push(h("div", { class: "remark" }, `${grouped(tape.leftOut)} earlier values were left out of this page, which holds the last ones: at most ${tape.cap}. What follows them starts from their numbers, as leaves; gradients of all that is here are exact. `,
        app.onmore && button("Bring more", () => app.onmore?.())));
    }
    this.element.replaceChildren(...parts);
    this.element.hidden = !parts.length;
  }
}
