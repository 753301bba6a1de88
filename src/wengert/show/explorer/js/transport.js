/**
 * Going through the tape: a bar over all steps, play and pause, and what the present step says.
 */
import { button, h } from "./dom.js";
import { backwardSaid, forwardSaid, slopeName } from "./formula.js";
import { term } from "./glossary.js";
import { count, grouped, short } from "./text.js";

/** @typedef {import("./app.js").App} App */

const SPEEDS = [0.5, 1, 2, 5, 20];

export class Transport {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    this.timer = 0;
    this.playing = button("▶", () => this.toggle(), { class: "play", "aria-label": "Play" });
    this.bar = h("input", { type: "range", min: 0, max: app.engine.last, step: 1, "aria-label": "Step", class: "scrub",
      oninput: () => { this.pause(); app.go(Number(this.bar.value)); } });
    this.where = h("output", { class: "where" });
    this.speed = h("select", { "aria-label": "Speed", class: "speed" },
      ...SPEEDS.map((x) => h("option", { value: x, selected: x === 1 }, `${x}×`)));
    this.symbols = h("p", { class: "symbols" });
    this.numbers = h("p", { class: "numbers" });
    this.note = h("p", { class: "note" });
    this.phase = h("span", { class: "phase" });
    this.element = h(
      "section", { class: "transport", "aria-label": "Steps" },
      h("div", { class: "controls", role: "group", "aria-label": "Play" },
        button("«", () => this.jump(0), { "aria-label": "To the start" }),
        button("‹", () => this.jump(app.position - 1), { "aria-label": "One step back" }),
        this.playing,
        button("›", () => this.jump(app.position + 1), { "aria-label": "One step on" }),
        button("»", () => this.jump(app.engine.last), { "aria-label": "To the end" }),
        this.speed),
      h("div", { class: "track" },
        h("div", { class: "legend" }, this.forwards = h("div", {}, term("forward")), this.backwards = h("div", {}, term("backward"))),
        this.bar),
      this.where,
      h("div", { class: "formula", role: "status", "aria-live": "polite", "aria-atomic": "true" }, this.phase, this.symbols, this.numbers, this.note),
    );
  }

  /** @param {number} position */
  jump(position) {
    this.pause();
    this.app.go(position);
  }

  toggle() {
    if (this.timer) return this.pause();
    if (this.app.position >= this.app.engine.last) this.app.go(0);
    this.playing.textContent = "❚❚";
    this.playing.setAttribute("aria-label", "Pause");
    const tick = () => {
      this.app.go(this.app.position + 1);
      if (this.app.position >= this.app.engine.last) return this.pause();
      this.timer = window.setTimeout(tick, 1100 / Number(this.speed.value));
    };
    this.timer = window.setTimeout(tick, 200);
  }

  pause() {
    window.clearTimeout(this.timer);
    this.timer = 0;
    this.playing.textContent = "▶";
    this.playing.setAttribute("aria-label", "Play");
  }

  /** Write the present step. */
  update() {
    const { app } = this;
    const { engine, tape } = app;
    const { steps } = engine;
    const forwards = engine.forwardNodes.length;
    this.bar.max = String(engine.last);
    this.bar.value = String(app.position);
    const share = steps ? (100 * forwards) / steps : 50;
    this.bar.style.setProperty("--share", `${share}%`);
    this.forwards.style.flexBasis = `${share}%`;
    this.backwards.style.flexBasis = `${100 - share}%`;
    const done = app.position >= engine.last;
    this.where.textContent = done ? count(steps, "step") : `${grouped(app.position)} of ${grouped(steps)}`;
    const { step } = app;
    this.bar.setAttribute("aria-valuetext", step ? `step ${app.position} of ${steps}, ${step.direction}` : done ? "done" : "start");
    if (done) {
      const leaves = [...tape.labels.keys()].filter((k) => tape.ops[k] < 0 && engine.below[k]).slice(0, 4);
      this.#say([term("forward", "Done")], `${tape.name(engine.root)} = ${short(engine.data[engine.root])}`,
        app.quiz ? "" : leaves.map((k) => `${slopeName(engine, k)} = ${short(engine.grad[k])}`).join(", "),
        steps ? "All steps are done. Press ▶ to watch them from the start, or select a value." : "A leaf alone: there are no steps.");
    } else if (!step) {
      this.#say([term("leaf", "Start")], "Only the leaves are known.", "", "Each step computes one value; then gradients come back, edge by edge.");
    } else if (step.direction === "forward") {
      const said = forwardSaid(engine, step.node);
      this.#say([term("forward", "Forward")], said.symbols, said.numbers, said.note);
    } else if (app.quiz && !app.quiz.answered.has(step.operand)) {
      const said = backwardSaid(engine, step);
      this.#say([term("chain rule", "Chain rule")], said.symbols, "= ?", "Hidden in the quiz, until you have answered.");
    } else {
      const said = backwardSaid(engine, step);
      const root = app.position === forwards + 1 ? `it starts with ${slopeName(engine, engine.root)} = 1` : "";
      this.#say([term("chain rule", "Chain rule")], said.symbols, said.numbers, [said.note, root].filter(Boolean).join("; "));
    }
  }

  /** @param {Node[]} phase @param {string} symbols @param {string} numbers @param {string} note */
  #say(phase, symbols, numbers, note) {
    this.phase.replaceChildren(...phase);
    this.symbols.textContent = symbols;
    this.numbers.textContent = numbers;
    this.note.textContent = note;
  }
}
