/**
 * Finding values: by label or name, by operation, by number; and the largest gradient.
 */
import { button, h } from "./dom.js";
import { count, short } from "./text.js";

/** @typedef {import("./app.js").App} App */

const MOST = 30;

/** The values that a query means, the first ones first. @param {App} app @param {string} query */
export function found(app, query) {
  const { tape, engine } = app;
  const wanted = query.trim().toLowerCase();
  if (!wanted) return { values: [], all: 0 };
  const compared = /^([<>])=?\s*(-?[\d.e+-]+)$/.exec(wanted);
  const number = Number(wanted);
  const kinds = tape.kinds.map((kind) => kind.name.toLowerCase() === wanted || kind.symbol.toLowerCase() === wanted);
  const exact = [];
  const near = [];
  let all = 0;
  for (let k = tape.size - 1; k >= 0; k -= 1) {
    const label = tape.labels.get(k)?.toLowerCase() ?? "";
    const name = tape.name(k).toLowerCase();
    let rank = name === wanted || label === wanted ? 2 : label.includes(wanted) ? 1 : 0;
    if (!rank && tape.ops[k] >= 0 && kinds[tape.ops[k]]) rank = 1;
    if (!rank && compared) rank = (compared[1] === "<" ? engine.data[k] < Number(compared[2]) : engine.data[k] > Number(compared[2])) ? 1 : 0;
    if (!rank && wanted && Number.isFinite(number)) rank = short(engine.data[k]) === short(number) ? 1 : 0;
    if (!rank && (wanted === "nan" || wanted === "inf")) rank = String(Math.abs(engine.data[k])).toLowerCase().startsWith(wanted) ? 1 : 0;
    if (!rank) continue;
    all += 1;
    if (rank === 2) exact.push(k);
    else if (near.length < MOST) near.push(k);
  }
  return { values: [...exact, ...near].slice(0, MOST), all };
}

/** The value, besides the root, whose gradient is largest. @param {import("./engine.js").Engine} engine */
export function largestGradient(engine) {
  let best = -1;
  for (let k = 0; k < engine.root; k += 1) {
    const size = Math.abs(engine.grad[k]);
    if (engine.below[k] && size < Infinity && (best < 0 || size > Math.abs(engine.grad[best]))) best = k;
  }
  return best;
}

export class Search {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    this.entry = h("input", { type: "search", placeholder: "Find: label, tanh, -8, >100", "aria-label": "Find a value by label, operation or number",
      oninput: () => this.#look(), onkeydown: (/** @type {KeyboardEvent} */ event) => { if (event.key === "Escape") this.#clear(); } });
    this.results = h("ul", { class: "results", "aria-label": "Found", hidden: true });
    this.said = h("span", { class: "said", role: "status" });
    this.element = h("div", { class: "search", role: "search" }, this.entry, this.said, this.results);
  }

  #clear() {
    this.entry.value = "";
    this.#look();
  }

  #look() {
    const { app } = this;
    const { values, all } = found(app, this.entry.value);
    const asked = this.entry.value.trim() !== "";
    this.said.textContent = asked ? (all ? count(all, "match").replace("matchs", "matches") : "nothing found") : "";
    this.results.hidden = !values.length;
    this.results.replaceChildren(...values.map((k) => h("li", {},
      button(`${app.tape.name(k)} = ${short(app.engine.data[k])}${app.tape.kind(k) ? `, ${app.tape.kind(k)?.name}` : ""}`, () => { app.lookAt(k); this.#clear(); }))));
  }
}
