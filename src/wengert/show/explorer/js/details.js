/**
 * All about the selected value: its number, its formula, and where its gradient comes from.
 */
import { button, h } from "./dom.js";
import { bracketed, forwardSaid, partialText, slopeName } from "./formula.js";
import { term } from "./glossary.js";
import { usesOf } from "./numeric.js";
import { full, short } from "./text.js";

/** @typedef {import("./app.js").App} App */

const LISTED = 12;
const FAR = 300_000; // values after which users are not looked for

export class Details {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    this.hops = h("input", { type: "number", min: 1, max: 9, value: 2, "aria-label": "Hops", class: "hops" });
    this.element = h("div", { class: "details" });
  }

  update() {
    const { app } = this;
    const { tape, engine } = app;
    const k = app.selected;
    if (k < 0) {
      this.element.replaceChildren(
        h("p", { class: "hint" }, "Select a value in the picture: a click, or Tab and Enter. Here is then what made it, and where its ", term("gradient"), " comes from."));
      return;
    }
    const said = forwardSaid(engine, k);
    const hidden = app.quiz && !app.quiz.answered.has(k);
    const parts = [
      h("h2", {}, tape.name(k), h("span", { class: "kind" }, " ", tape.roots.includes(k) ? term("root") : tape.ops[k] < 0 ? term("leaf") : tape.kind(k)?.name)),
      h("dl", {},
        h("dt", {}, "data"), h("dd", { "data-exact": full(engine.data[k]) }, full(engine.data[k])),
        h("dt", {}, "gradient"), h("dd", {}, !engine.below[k] ? "none: the root does not depend on it" : hidden ? "?" : full(engine.grad[k]))),
      h("p", { class: "symbols" }, said.symbols), h("p", { class: "numbers" }, said.numbers), h("p", { class: "note" }, said.note),
    ];
    if (!hidden && engine.below[k] && engine.root - k < FAR) parts.push(...this.#uses(k));
    parts.push(h("div", { class: "row" },
      button("Go to its step", () => app.go(engine.positionOf(k))),
      button("Focus", () => app.focusOn(k, Number(this.hops.value)), { "aria-label": `Focus on ${tape.name(k)}` }),
      h("label", {}, this.hops, " hops"),
      app.focus ? button("Show everything", () => app.unfocus()) : null,
      app.onmore && tape.cut.has(k) ? button("Bring more", () => app.onmore?.()) : null));
    this.element.replaceChildren(...parts);
  }

  /** @param {number} k */
  #uses(k) {
    const { engine, tape } = this.app;
    if (k === engine.root) return [h("p", { class: "note" }, `${slopeName(engine, k)} = 1: the root changes as fast as itself.`)];
    const uses = usesOf(engine, k);
    const terms = uses.slice(0, LISTED).map((use) => {
      const formula = partialText(engine, use.user, use.slot);
      const local = `∂${bracketed(tape.name(use.user))}/∂${bracketed(tape.name(k))}${formula ? ` = ${formula}` : ""} = ${short(use.local)}`;
      return h("li", {}, button(tape.name(use.user), () => this.app.select(use.user), { class: "name" }),
        ` ${short(use.local)} × ${short(use.upstream)} = ${short(use.local * use.upstream)}`, h("span", { class: "reason" }, local));
    });
    if (uses.length > LISTED) terms.push(h("li", {}, `and ${uses.length - LISTED} more`));
    return [h("p", { class: "note" }, "Its gradient, by the ", term("chain rule"), uses.length > 1 ? `, is the sum over its ${uses.length} uses, each the ` : ", is the ", term("local derivative"), ` times the gradient of what uses it:`), h("ul", { class: "uses" }, ...terms)];
  }
}
