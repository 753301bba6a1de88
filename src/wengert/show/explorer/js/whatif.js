/**
 * What if: every leaf can be typed and dragged, and all follows; nudges along the gradient.
 */
import { button, h } from "./dom.js";
import { term } from "./glossary.js";
import { historyOf, rootOver } from "./plot.js";
import { count, full, short, shorten } from "./text.js";
import { typed } from "./typed.js";

/** @typedef {import("./app.js").App} App */

const SHOWN = 40; // leaves at once; search finds the others
const LONG = 200_000; // computed values behind a chart, beyond which it would not be smooth

export class WhatIf {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    /** @type {Map<number, {row: HTMLElement, entry: HTMLInputElement, slider: HTMLInputElement}>} */
    this.rows = new Map();
    /** @type {Map<number, [number, number]>} */
    this.ranges = new Map();
    this.list = h("div", { class: "leaves" });
    this.more = h("p", { class: "hint" });
    this.plot = h("div", { class: "chart" });
    this.way = h("select", { "aria-label": "Direction" }, h("option", { value: "1" }, "up: with the gradient"), h("option", { value: "-1" }, "down: against it"));
    this.size = h("input", { type: "text", inputmode: "decimal", value: "0.01", size: 6, "aria-label": "Step size" });
    this.history = h("div", { class: "chart" });
    this.past = [app.engine.data[app.engine.root]];
    this.said = h("p", { class: "hint", role: "status" });
    this.typing = false;
    this.waiting = false;
    this.element = h(
      "div", { class: "whatif" },
      h("div", {}, h("p", { class: "hint" }, "Move a ", term("leaf"), ": type a number, or drag. Everything that depends on it follows."),
        this.list, this.more),
      this.plot,
      h("div", {}, h("div", { class: "nudge", role: "group", "aria-label": "Nudge along the gradient" },
        h("strong", {}, "Nudge every leaf along its ", term("gradient")), this.way,
        h("label", {}, "by ", this.size, " × gradient"), button("Nudge", () => this.nudge(), { class: "primary" }),
        button("Reset", () => this.reset())), this.said),
      this.history,
    );
    if (!app.engine.computing) {
      this.said.textContent = "An operation of your own stands in this graph. The page does not know how to compute it: its value stays as Python gave it.";
    }
  }

  /** The leaves that nudges move: those with a label, or all where none has one. */
  get movable() {
    const { tape, engine } = this.app;
    const leaves = this.app.leaves.filter((k) => engine.below[k] && !tape.fixed.has(k));
    const labelled = leaves.filter((k) => tape.labels.has(k));
    return labelled.length ? labelled : leaves;
  }

  /** @param {number} k @returns {[number, number]} */
  range(k) {
    let range = this.ranges.get(k);
    const x = this.app.engine.data[k];
    if (!range || x < range[0] || x > range[1]) {
      const middle = Number.isFinite(x) ? x : 0;
      const reach = Math.max(1, 2 * Math.abs(middle));
      range = [middle - reach, middle + reach];
      this.ranges.set(k, range);
    }
    return range;
  }

  /** @param {number} k */
  #row(k) {
    const { app } = this;
    const name = app.tape.name(k);
    const entry = h("input", { type: "text", inputmode: "decimal", class: "entry", "aria-label": `${name}, number`,
      oninput: () => {
        this.typing = true;
        const x = typed(entry.value);
        if (!Number.isNaN(x)) app.move([[k, x]]);
      },
      onchange: () => {
        this.typing = false;
        const x = typed(entry.value);
        const bad = Number.isNaN(x) && !/nan/i.test(entry.value);
        entry.classList.toggle("invalid", bad);
        entry.setAttribute("aria-invalid", String(bad));
        if (!bad) app.move([[k, x]]);
        else this.said.textContent = `“${entry.value}” is not a number. Write one such as -2, 0.5 or 1/3.`;
      },
      onfocus: () => this.#chosen(k) });
    const slider = h("input", { type: "range", step: "any", "aria-label": `${name}, slider`,
      oninput: () => app.move([[k, Number(slider.value)]]), onpointerdown: () => this.#chosen(k), onfocus: () => this.#chosen(k) });
    const label = h("button", { type: "button", class: "name", onclick: () => app.select(k), title: `Select ${name}` }, name);
    const row = h("div", { class: "leaf-row" }, label, entry, slider, h("output", { class: "slope" }));
    this.list.append(row);
    const made = { row, entry, slider };
    this.rows.set(k, made);
    return made;
  }

  /** @param {number} k */
  #chosen(k) {
    this.app.leaf = k;
    this.chart();
  }

  /** Bring all to the present numbers. */
  update() {
    const { app } = this;
    const { movable } = this;
    const shown = movable.slice(0, SHOWN);
    if (app.selected >= 0 && app.tape.ops[app.selected] < 0 && !shown.includes(app.selected) && !app.tape.fixed.has(app.selected)) shown.unshift(app.selected);
    const wanted = new Set(shown);
    for (const [k, { row }] of this.rows) {
      row.hidden = !wanted.has(k);
    }
    for (const k of shown) {
      const { row, entry, slider } = this.rows.get(k) ?? this.#row(k);
      const x = app.engine.data[k];
      const [low, high] = this.range(k);
      slider.min = String(low);
      slider.max = String(high);
      slider.value = String(x);
      slider.setAttribute("aria-valuetext", short(x));
      if (/** @type {Document | ShadowRoot} */ (entry.getRootNode()).activeElement !== entry || !this.typing) entry.value = short(x);
      row.classList.toggle("moved", app.engine.moved.has(k));
      row.classList.toggle("chosen", app.leaf === k);
      const slope = row.querySelector(".slope");
      if (slope) slope.textContent = app.quiz && !app.quiz.answered.has(k) ? "grad ?" : `grad ${short(app.engine.grad[k])}`;
      if (slope) slope.setAttribute("title", full(app.engine.grad[k]));
    }
    this.more.textContent = movable.length > SHOWN ? `${count(movable.length - SHOWN, "further leaf").replace("leafs", "leaves")}: find one by search, and select it.` : "";
    this.chart();
  }

  chart() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.#draw();
    });
  }

  #draw() {
    const { app } = this;
    for (const [k, { row }] of this.rows) row.classList.toggle("chosen", app.leaf === k);
    const k = app.leaf;
    if (k < 0 || app.engine.root > LONG || app.quiz) {
      this.plot.replaceChildren(app.quiz ? h("p", { class: "hint" }, "The chart is hidden while the quiz asks.") : "");
    } else {
      const [root, name] = [app.engine.root, k].map((v) => shorten(app.tape.name(v), 24));
      const chart = rootOver(app.engine, k, this.range(k));
      const caption = chart ? [`${root} over ${name}; dashed, the `, term("tangent"), `, slope ${short(app.engine.grad[k])}`]
        : [`${root} is not finite wherever ${name} is moved here.`];
      this.plot.replaceChildren(...(chart ? [chart] : []), h("p", { class: "hint" }, ...caption));
    }
    const name = app.tape.name(app.engine.root);
    this.history.replaceChildren(...(this.past.length > 1
      ? [historyOf(this.past, name), h("p", { class: "hint" }, `${name} after each nudge: ${this.past.slice(-3).map(short).join(" → ")}`)] : []));
  }

  nudge() {
    const { app } = this;
    const size = typed(this.size.value);
    if (!Number.isFinite(size)) {
      this.said.textContent = `“${this.size.value}” is no step size. Write one such as 0.01.`;
      return;
    }
    const by = Number(this.way.value) * size;
    const before = app.engine.data[app.engine.root];
    app.move(this.movable.map((k) => [k, app.engine.data[k] + by * app.engine.grad[k]]));
    const now = app.engine.data[app.engine.root];
    this.past.push(now);
    this.said.textContent = `${app.tape.name(app.engine.root)} went from ${short(before)} to ${short(now)}.`;
    this.chart();
  }

  reset() {
    this.app.reset();
    this.ranges.clear();
    this.past = [this.app.engine.data[this.app.engine.root]];
    this.said.textContent = "Back to the numbers from Python.";
    this.update();
  }
}
