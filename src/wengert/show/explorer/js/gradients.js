/**
 * All gradients in a table, each beside its numerical derivative; or, in the quiz, to be filled in.
 */
import { button, h } from "./dom.js";
import { backwardSaid, partialText, slopeName } from "./formula.js";
import { term } from "./glossary.js";
import { check, reasonOf, usesOf } from "./numeric.js";
import { count, full, short } from "./text.js";
import { means, typed } from "./typed.js";

/** @typedef {import("./app.js").App} App */

const SHOWN = 60; // rows at once
const WORK = 3_000_000; // operations that numerical derivatives may take without being asked

/** @type {Record<string, string>} */
const SIGNS = { right: "✓ right", wrong: "✗ wrong", "not filled": "○ not filled", kink: "∧ kink", undecided: "? undecided" };

/** How a quiz goes. */
export class Quiz {
  constructor() {
    /** @type {Set<number>} */
    this.answered = new Set();
    /** @type {Set<number>} */
    this.helped = new Set();
    this.right = 0;
    this.first = 0;
    this.wrong = 0;
    this.hints = 0;
  }
}

export class Gradients {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    this.body = h("tbody");
    this.intro = h("p", { class: "hint" });
    this.score = h("p", { class: "score", role: "status" });
    this.more = h("p", { class: "hint" });
    this.mode = button("Quiz me", () => this.toggle(), { class: "primary" });
    this.heads = h("tr", {});
    /** @type {Map<number, import("./numeric.js").Finding>} */
    this.findings = new Map();
    /** @type {number[] | null} whose gradient in Python is not the page's */
    this.suspects = null;
    this.element = h("div", {}, this.intro, h("div", { class: "row" }, this.mode), this.score,
      h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Gradients" }, h("table", { class: "gradients" }, h("thead", {}, this.heads), this.body)), this.more);
  }

  /** Values from the root back; those with a label, and what is drawn, first of all. */
  values() {
    const { app } = this;
    const { tape, engine } = app;
    const found = [];
    if (engine.root < 400) {
      for (let k = engine.root; k >= 0; k -= 1) if (engine.below[k] && (tape.labels.has(k) || tape.ops[k] >= 0)) found.push(k);
    } else {
      const drawn = app.view.parts.map((part) => part.value).filter((v) => v >= 0 && engine.below[v]);
      found.push(...new Set([engine.root, ...drawn.sort((a, b) => b - a)]));
    }
    const shown = found.slice(0, SHOWN);
    if (app.selected >= 0 && !shown.includes(app.selected) && engine.below[app.selected]) shown.unshift(app.selected);
    return { shown, all: found.length };
  }

  /** The gradient that is checked: Python's own while nothing was moved, if there is any. @param {number} k */
  present(k) {
    const { app } = this;
    return this.given ? app.tape.grad[k] : app.engine.grad[k];
  }

  get given() {
    return this.app.tape.filled && !this.app.engine.moved.size && this.app.engine.root === this.app.tape.roots[0];
  }

  /** @param {number} k */
  finding(k) {
    let found = this.findings.get(k);
    if (!found) {
      found = check(this.app.engine, k, this.present(k), this.given ? this.app.tape.grad : null);
      this.findings.set(k, found);
    }
    return found;
  }

  /** Everything was computed anew. */
  stale() {
    this.findings.clear();
    this.suspects = null;
  }

  /** Those whose gradient in Python is wrong: of those that differ from the page's own, what the check says. */
  wrong() {
    const { tape, engine } = this.app;
    if (!this.given) return [];
    if (!this.suspects) {
      this.suspects = [];
      const most = Math.max(1, Math.min(SHOWN, WORK / (60 * engine.root)));
      for (let k = engine.root; k >= 0 && this.suspects.length < most; k -= 1) {
        const [own, given] = [engine.grad[k], tape.grad[k]];
        if (engine.below[k] && given !== 0 && !(Math.abs(own - given) <= 1e-6 * Math.abs(own))) this.suspects.push(k);
      }
    }
    return this.suspects.filter((k) => this.finding(k).verdict === "wrong");
  }

  toggle() {
    const { app } = this;
    app.quiz = app.quiz ? null : new Quiz();
    if (app.quiz) app.show("gradients");
    app.changed();
    if (app.quiz) {
      const first = this.body.querySelector("input");
      if (first) first.focus();
    }
  }

  update() {
    const { app } = this;
    const { quiz } = app;
    this.mode.textContent = quiz ? "End the quiz" : "Quiz me";
    if (quiz) this.#quizRows(quiz);
    else this.#checkRows();
  }

  #checkRows() {
    const { app } = this;
    const { shown, all } = this.values();
    const what = this.given ? "the gradient as it stands in Python" : "the gradient by the chain rule";
    this.intro.replaceChildren(`Each row has ${what}, and beside it the `, term("numerical", "numerical derivative"), ": the value is nudged, and the root computed again.");
    this.score.textContent = "";
    this.heads.replaceChildren(...["value", "data", this.given ? ".grad" : "gradient", "numerical", "check"].map((name) => h("th", { scope: "col" }, name)));
    const free = 40 * shown.length * app.engine.root <= WORK;
    this.body.replaceChildren(...shown.map((k) => {
      const name = app.tape.name(k);
      const row = h("tr", { class: k === app.selected ? "chosen" : "" },
        h("th", { scope: "row" }, button(name, () => app.select(k), { class: "name" })),
        h("td", { title: full(app.engine.data[k]) }, short(app.engine.data[k])),
        h("td", { title: full(this.present(k)) }, short(this.present(k))));
      if (free || this.findings.has(k)) row.append(...this.#verdict(k));
      else row.append(h("td", {}), h("td", {}, button("check", () => { this.finding(k); this.update(); app.canvas.marks(); }, { "aria-label": `check ${name}` })));
      return row;
    }));
    this.more.textContent = all > shown.length ? `${count(all - shown.length, "further value")}: select one in the picture to see it here.` : "";
  }

  /** @param {number} k */
  #verdict(k) {
    const { verdict, reason, slope } = this.finding(k);
    const kind = verdict.replace(" ", "-");
    return [
      h("td", { title: `${full(slope.value)} ± ${full(slope.error)}` }, short(slope.value)),
      h("td", { class: `verdict ${kind}` }, SIGNS[verdict], reason && h("span", { class: "reason" }, reason)),
    ];
  }

  // --- the quiz -----------------------------------------------------------------------------------

  /** @param {Quiz} quiz */
  #quizRows(quiz) {
    const { app } = this;
    const { shown } = this.values();
    this.intro.replaceChildren("Fill in the ", term("gradient", "gradients"), ` yourself, from ${app.tape.name(app.engine.root)} back to the leaves. A number such as -2, 0.5, 1/2 or -3*2 will do.`);
    this.#score(quiz, shown);
    this.heads.replaceChildren(...["value", "data", "gradient", ""].map((name) => (name ? h("th", { scope: "col" }, name) : h("td", {}))));
    this.more.textContent = "";
    const known = new Map([...this.body.children].map((row) => [Number(/** @type {HTMLElement} */ (row).dataset.quiz ?? -1), row]));
    this.body.replaceChildren(...shown.map((k) => known.get(k) ?? this.#question(k, quiz)));
  }

  /** @param {Quiz} quiz @param {number[]} asked */
  #score(quiz, asked) {
    const parts = [`${quiz.right} of ${asked.length} right, ${quiz.first} at the first try`];
    if (quiz.wrong) parts.push(count(quiz.wrong, "wrong answer"));
    if (quiz.hints) parts.push(count(quiz.hints, "hint"));
    if (asked.every((k) => quiz.answered.has(k))) parts.push("done");
    this.score.textContent = `${parts.join(", ")}.`;
  }

  /** @param {number} k @param {Quiz} quiz */
  #question(k, quiz) {
    const { app } = this;
    const name = app.tape.name(k);
    const said = h("span", { class: "reason", role: "status" });
    const entry = h("input", { type: "text", class: "entry", autocomplete: "off", "aria-label": `Gradient of ${name}`,
      onkeydown: (/** @type {KeyboardEvent} */ event) => { if (event.key === "Enter") answer(); } });
    const asked = h("td", { class: "asked" }, entry,
      button("OK", () => answer(), { "aria-label": `OK: answer for ${name}` }),
      button("Hint", () => hint(), { "aria-label": `Hint for ${name}` }),
      button("Show", () => reveal(), { "aria-label": `Show the answer for ${name}` }));
    const row = h("tr", { "data-quiz": k }, h("th", { scope: "row" }, button(name, () => app.select(k), { class: "name" })),
      h("td", {}, short(app.engine.data[k])), asked, h("td", { class: "verdict" }, said));
    const close = (/** @type {string} */ kind, /** @type {string} */ text) => {
      quiz.answered.add(k);
      asked.replaceChildren(short(app.engine.grad[k]));
      row.querySelector(".verdict")?.classList.add(kind);
      said.textContent = text;
      app.changed();
      const next = this.body.querySelector("input");
      if (next) next.focus();
    };
    const answer = () => {
      const truth = app.engine.grad[k];
      if (!entry.value.trim()) return;
      if (means(entry.value, truth)) {
        quiz.right += 1;
        if (!quiz.helped.has(k)) quiz.first += 1;
        return close("right", `✓ right: ${slopeName(app.engine, k)} = ${short(truth)}`);
      }
      quiz.helped.add(k);
      const given = typed(entry.value);
      if (Number.isNaN(given)) {
        said.textContent = `“${entry.value}” is not a number.`;
        return undefined;
      }
      quiz.wrong += 1;
      this.#score(quiz, this.values().shown);
      row.querySelector(".verdict")?.classList.add("wrong");
      said.textContent = `✗ not yet: ${reasonOf(app.engine, k, given, truth, null, false) || this.#rule(k)}`;
      return undefined;
    };
    const hint = () => {
      quiz.hints += 1;
      quiz.helped.add(k);
      said.textContent = this.hint(k);
      this.#score(quiz, this.values().shown);
    };
    const reveal = () => {
      quiz.helped.add(k);
      close("shown", `shown: ${slopeName(app.engine, k)} = ${this.#terms(k)}${short(app.engine.grad[k])}`);
    };
    return row;
  }

  /** What the gradient is, in words. @param {number} k */
  #rule(k) {
    const { engine, tape } = this.app;
    const users = [...new Set(usesOf(engine, k).map((use) => tape.name(use.user)))];
    if (users.length === 1) return `it is the gradient of ${users[0]} times the local derivative there`;
    return `it is a sum over its uses, in ${users.join(" and ")}: each the gradient of the result times the local derivative`;
  }

  /** @param {number} k */
  #terms(k) {
    const uses = usesOf(this.app.engine, k);
    return uses.length ? `${uses.map((use) => `${short(use.local)} × ${short(use.upstream)}`).join(" + ")} = ` : "";
  }

  /** The step of the chain rule, without its result. @param {number} k */
  hint(k) {
    const { engine, tape } = this.app;
    if (k === engine.root) return "The root with respect to itself: when it grows by 1, it grows by 1.";
    return usesOf(engine, k).map((use) => {
      const step = { direction: /** @type {const} */ ("backward"), node: use.user, slot: use.slot, operand: k, upstream: use.upstream, partial: use.local, added: 0, total: 0, first: true };
      const [, right] = backwardSaid(engine, step).symbols.split(" = ");
      const formula = partialText(engine, use.user, use.slot);
      return `${right}, where ∂${tape.name(use.user)}/∂${tape.name(k)} = ${formula ? `${formula} = ` : ""}${short(use.local)} and ${slopeName(engine, use.user)} = ${short(use.upstream)}`;
    }).join("; plus ");
  }
}
