/**
 * The explorer as a whole: its state, its parts, and what happens when something changes.
 */
import { Canvas } from "./canvas.js";
import { Details } from "./details.js";
import { button, h, keepingFocus } from "./dom.js";
import { Engine } from "./engine.js";
import { Exporter } from "./exporter.js";
import { foldView, Forest, partialView } from "./fold.js";
import { explaining, term } from "./glossary.js";
import { Gradients } from "./gradients.js";
import { largestGradient, Search } from "./search.js";
import { readFrom, written } from "./state.js";
import { badOf, Story } from "./story.js";
import { count, grouped, short } from "./text.js";
import { Transport } from "./transport.js";
import { WhatIf } from "./whatif.js";

/** @typedef {import("./tape.js").Tape} Tape */

const MOST = 2000; // cells drawn at once
const TABS = /** @type {const} */ ([["whatif", "What if"], ["gradients", "Gradients"], ["details", "Value"], ["export", "Export"]]);
const THEMES = ["auto", "light", "dark"];

export class App {
  /**
   * @param {HTMLElement} host @param {Tape} tape @param {import("./engine.js").Rule[]} rules
   * @param {import("./worker.js").Placing} placing @param {{address: boolean}} options
   */
  constructor(host, tape, rules, placing, options) {
    this.host = host;
    this.tape = tape;
    this.placing = placing;
    this.options = options;
    this.engine = new Engine(tape, rules);
    this.forest = new Forest(tape);
    this.leaves = [];
    for (let k = 0; k < tape.size; k += 1) if (tape.ops[k] < 0) this.leaves.push(k);
    this.home = this.forest.opened(tape.limit);
    this.open = new Set(this.home);
    this.position = this.engine.last;
    this.selected = -1;
    /** @type {[number, number] | null} the value in focus, and how many hops around it are shown */
    this.focus = null;
    /** @type {import("./gradients.js").Quiz | null} */
    this.quiz = null;
    /** @type {{starts: Int32Array, users: Int32Array} | null} */
    this.users = null;
    this.remembering = 0;
    this.theme = "auto";
    this.tab = "whatif";
    this.bad = badOf(this.engine);
    this.view = foldView(tape, this.open);
    /** @type {((leaves: [number, number][]) => void) | null} told where leaves were moved */
    this.onmove = null;
    /** @type {(() => void) | null} brings values that were left out, where that can be done */
    this.onmore = null;
    /** @type {(() => void) | null} shows the path that the present numbers lead along, where that can be done */
    this.onagain = null;
    /** @type {(() => void) | null} told that anything has changed */
    this.onchange = null;
    this.leaf = this.leaves.find((k) => tape.labels.has(k) && this.engine.below[k]) ?? this.leaves[0] ?? -1;
    this.canvas = new Canvas(this);
    this.transport = new Transport(this);
    this.whatif = new WhatIf(this);
    this.gradients = new Gradients(this);
    this.details = new Details(this);
    this.exporter = new Exporter(this);
    this.story = new Story(this);
    this.search = new Search(this);
    this.#build();
  }

  /** @type {import("./engine.js").Step | null} */
  get step() {
    return this.engine.step(this.position);
  }

  // --- the page -----------------------------------------------------------------------------------

  #build() {
    const { host, tape } = this;
    host.classList.add("explorer");
    this.heading = h("h1", {});
    this.size = h("p", { class: "size" });
    const shade = button("◐", () => this.setTheme(THEMES[(THEMES.indexOf(this.theme) + 1) % 3]), { class: "shade" });
    this.shade = shade;
    const help = this.#help();
    const fold = h("div", { class: "row folding" },
      button("Unfold", () => void this.openMore(), { "data-about": "Open the next groups, as far as 2,000 cells allow." }),
      button("Fold", () => void this.setOpen(new Set()), { "data-about": "Close all groups." }));
    fold.hidden = !tape.groups.parent.length;
    const tools = h("div", { class: "tools" }, this.search.element,
      button("Largest gradient", () => { const k = largestGradient(this.engine); if (k >= 0) this.lookAt(k); }), fold,
      tape.roots.length > 1 ? this.#roots() : null, shade,
      button("?", () => help.showModal(), { "aria-label": "Help" }));
    this.tabs = h("div", { class: "tabs", role: "tablist", "aria-label": "Panels" });
    this.panels = h("div", { class: "panels" });
    /** @type {Map<string, {tab: HTMLElement, panel: HTMLElement, content: {update: () => void}}>} */
    this.pages = new Map();
    const contents = { whatif: this.whatif, gradients: this.gradients, details: this.details, export: this.exporter };
    for (const [name, title] of TABS) {
      const content = contents[name];
      const tab = button(title, () => this.show(name), { role: "tab", id: `tab-${name}`, "aria-controls": `panel-${name}` });
      const panel = h("div", { role: "tabpanel", id: `panel-${name}`, "aria-labelledby": `tab-${name}`, tabindex: "0" }, content.element);
      this.tabs.append(tab);
      this.panels.append(panel);
      this.pages.set(name, { tab, panel, content });
    }
    this.tabs.addEventListener("keydown", (event) => {
      const turn = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
      if (!turn) return;
      const names = TABS.map(([name]) => name);
      const next = names[(names.indexOf(/** @type {any} */ (this.tab)) + turn + names.length) % names.length];
      this.show(next);
      this.pages?.get(next)?.tab.focus();
      event.stopPropagation();
      event.preventDefault();
    });
    host.replaceChildren(
      h("header", {}, h("div", { class: "title" }, this.heading, this.size), tools),
      this.story.element, this.transport.element,
      h("main", {}, this.canvas.element, h("aside", { "aria-label": "Panels" }, this.tabs, this.panels)), help);
    explaining(host);
    const listening = this.options.address ? document : host; // a page is all ours
    listening.addEventListener("keydown", (event) => this.#key(/** @type {KeyboardEvent} */ (event)));
  }

  #roots() {
    const { tape } = this;
    const choice = h("select", { "aria-label": "Differentiate", onchange: () => this.setRoot(Number(choice.value)) },
      ...tape.roots.slice(0, 200).map((root, k) => h("option", { value: k }, `∂ ${tape.name(root)}`)));
    this.choice = choice;
    return choice;
  }

  #help() {
    const item = (/** @type {string} */ keys, /** @type {string} */ does) => h("li", {}, h("kbd", {}, keys), ` ${does}`);
    const dialog = h("dialog", { "aria-labelledby": "help-title" },
      h("h2", { id: "help-title" }, "How to read this page"),
      h("p", {}, "Every box is a value: its name, its number (data) and its gradient (grad). Every round sign is an operation. Numbers flow from left to right, from ", term("leaf", "leaves"), " to ", term("root"), "; ", term("gradient", "gradients"), " flow back, by the ", term("chain rule"), ". The bar goes over the whole ", term("tape"), "; a ", term("group"), " opens and folds."),
      h("ul", {}, item("Space", "play or pause"), item("← →", "one step back or on"), item("Home End", "to the start, to the end"),
        item("Tab", "from value to value"), item("Enter", "select a value, open or fold a group"), item("+ − 0", "zoom in, zoom out, show all"), item("/", "search")),
      h("p", {}, "Drag the picture to move it, or turn the wheel; Ctrl and the wheel magnify."),
      button("Close", () => dialog.close(), { class: "primary" }));
    return dialog;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const path = event.composedPath()[0];
    const target = path instanceof Element ? path : null;
    if (event.ctrlKey || event.metaKey || event.altKey || target?.closest("input, select, textarea, dialog, [role=tablist]")) {
      const scrubs = target?.classList.contains("scrub") && event.key === " ";
      if (!scrubs) return;
    }
    const presses = event.key === " " && target?.closest("button");
    /** @type {Record<string, () => void>} */
    const keys = {
      " ": () => this.transport.toggle(),
      ArrowRight: () => this.transport.jump(this.position + 1),
      ArrowLeft: () => this.transport.jump(this.position - 1),
      Home: () => this.transport.jump(0),
      End: () => this.transport.jump(this.engine.last),
      "+": () => this.canvas.zoom(1.3),
      "-": () => this.canvas.zoom(1 / 1.3),
      0: () => this.canvas.fit(),
      "/": () => this.search.entry.focus(),
    };
    if (presses || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  }

  /** Draw for the first time, as the address says. @param {string} hash */
  async start(hash) {
    const state = readFrom(hash);
    const { tape, engine } = this;
    const isLeaf = (/** @type {number} */ k) => k >= 0 && k < tape.size && tape.ops[k] < 0;
    const leaves = state.leaves.filter(([k]) => isLeaf(k));
    if (leaves.length) engine.move(leaves);
    if (state.root > 0 && state.root < tape.roots.length) this.#differentiate(state.root);
    this.position = state.step === null ? engine.last : Math.min(Math.max(0, state.step), engine.last);
    if (state.selected < tape.size) this.selected = state.selected;
    if (state.open) this.open = new Set(state.open.filter((g) => g >= 0 && g < tape.groups.parent.length));
    if (this.forest.count(this.open) > MOST) this.open = new Set(this.home);
    if (state.focus && state.focus[0] >= 0 && state.focus[0] < tape.size) this.focus = state.focus;
    this.tab = this.pages?.has(state.tab) ? state.tab : "whatif";
    this.setTheme(state.theme);
    this.bad = badOf(engine);
    this.#look();
    this.changed();
    await this.canvas.draw();
  }

  /** Take over what can be kept of the page that stood here before. @param {App} other */
  resume(other) {
    const { tape, engine } = this;
    const place = (/** @type {number} */ k) => (k < 0 ? -1 : tape.after(other.tape.before(k)));
    this.setTheme(other.theme);
    if (this.pages?.has(other.tab)) this.tab = other.tab;
    const same = tape.size + tape.leftOut === other.tape.size + other.tape.leftOut; // else it is another path
    const root = same ? tape.roots.indexOf(place(other.engine.root)) : 0;
    if (root > 0) this.#differentiate(root);
    const further = engine.forwardNodes.length - other.engine.forwardNodes.length;
    if (same) {
      this.position = other.position > 0 ? Math.min(Math.max(0, other.position + further), engine.last) : 0;
      if (other.position >= other.engine.last) this.position = engine.last;
      this.selected = place(other.selected);
      if (place(other.leaf) >= 0) this.leaf = place(other.leaf);
      if (tape.leftOut === other.tape.leftOut && other.open.size) void this.setOpen(new Set(other.open));
    }
    this.changed();
    if (this.selected >= 0) void this.#revealed(this.selected);
  }

  /** @param {string} theme */
  setTheme(theme) {
    this.theme = theme;
    this.host.dataset.theme = theme;
    this.shade?.setAttribute("aria-label", `Colours: ${theme}. Change.`);
    this.shade?.setAttribute("data-about", `Colours: ${theme === "auto" ? "as your system says" : theme}`);
    this.#remember();
  }

  /** @param {string} name */
  show(name) {
    this.tab = name;
    this.#updatePanel();
    this.#remember();
  }

  #updatePanel() {
    for (const [name, { tab, panel }] of this.pages ?? []) {
      const shown = name === this.tab;
      tab.setAttribute("aria-selected", String(shown));
      tab.setAttribute("tabindex", shown ? "0" : "-1");
      panel.hidden = !shown;
    }
    const page = this.pages?.get(this.tab);
    if (page) keepingFocus(page.panel, () => page.content.update());
  }

  // --- what changes -------------------------------------------------------------------------------

  /** Bring everything to the present state. */
  changed() {
    const { tape, engine } = this;
    if (this.heading) this.heading.textContent = `${tape.name(engine.root)} = ${this.isComputed(engine.root) ? short(engine.data[engine.root]) : "…"}`;
    if (this.size) {
      const operations = engine.computing ? "" : ", one made by an operation of your own";
      this.size.textContent = `${count(tape.size, "value")}${operations}${this.view.parts.length < tape.size ? `, in ${count(this.view.parts.length, "cell")}` : ""}`;
    }
    this.transport.update();
    keepingFocus(this.story.element, () => this.story.update());
    this.#updatePanel();
    if (this.canvas.picture) {
      this.canvas.numbers();
      this.canvas.marks();
    }
    this.#remember();
  }

  /** Go to a position of the tape. @param {number} position */
  go(position) {
    this.position = Math.max(0, Math.min(this.engine.last, position));
    const { step } = this;
    this.transport.update();
    if (this.heading) this.heading.textContent = `${this.tape.name(this.engine.root)} = ${this.isComputed(this.engine.root) ? short(this.engine.data[this.engine.root]) : "…"}`;
    this.canvas.numbers();
    this.canvas.marks();
    if (step?.direction === "backward") this.canvas.reveal(step.operand, step.node);
    else if (step) this.canvas.reveal(step.node);
    this.#remember();
  }

  /** Whether a value is known at the present step. @param {number} k */
  isComputed(k) {
    if (this.tape.ops[k] < 0 || this.position >= this.engine.forwardNodes.length) return true;
    return this.position > 0 && k <= this.engine.forwardNodes[this.position - 1];
  }

  /** Move leaves. @param {[number, number][]} leaves @param {boolean} [told] whether Python knows already */
  move(leaves, told = false) {
    this.engine.move(leaves);
    this.#recomputed();
    if (!told) this.onmove?.(leaves);
  }

  reset() {
    const before = [...this.engine.moved.keys()];
    this.engine.reset();
    this.#recomputed();
    this.onmove?.(before.map((k) => [k, this.engine.data[k]]));
  }

  #recomputed() {
    this.bad = badOf(this.engine);
    this.gradients.stale();
    this.changed();
  }

  /** @param {number} number */
  #differentiate(number) {
    this.engine.differentiate(this.tape.roots[number]);
    if (this.choice) this.choice.value = String(number);
  }

  /** @param {number} number */
  setRoot(number) {
    this.#differentiate(number);
    this.position = this.engine.last;
    this.#recomputed();
  }

  /** @param {number} k */
  select(k) {
    this.selected = k;
    if (this.tape.ops[k] < 0 && this.engine.below[k]) this.leaf = k;
    if (this.tab === "export" || (this.tab === "whatif" && this.tape.ops[k] >= 0)) this.tab = "details";
    this.changed();
  }

  /** Select a value and bring it into view, whatever has to be opened. @param {number} k */
  lookAt(k) {
    this.select(k);
    void this.#revealed(k);
  }

  /** @param {number} k */
  async #revealed(k) {
    if (this.view.partOf[k] < 0 || this.view.parts[this.view.partOf[k]].value !== k) {
      const around = this.forest.around(k);
      const more = new Set([...this.open, ...around]);
      const room = this.forest.count(more) <= MOST;
      const only = new Set(around);
      if (this.focus) this.focus = null;
      if (room || this.forest.count(only) <= MOST) await this.setOpen(room ? more : only);
      else await this.focusOn(k, 2);
    }
    this.canvas.reveal(k);
  }

  // --- what is shown ------------------------------------------------------------------------------

  #look() {
    this.view = this.focus ? partialView(this.tape, this.#near(this.focus)) : foldView(this.tape, this.open);
  }

  /** @param {Set<number>} open */
  async setOpen(open) {
    const cells = this.forest.count(open);
    if (cells > MOST) {
      this.canvas.say(`That would draw ${grouped(cells)} cells, and ${grouped(MOST)} is the most. Fold something first, or focus on a value.`);
      return;
    }
    this.canvas.say("");
    this.open = open;
    this.focus = null;
    this.#look();
    this.changed();
    await this.canvas.draw();
  }

  /** @param {number} g */
  async unfold(g) {
    await this.setOpen(new Set([...this.open, g]));
  }

  /** @param {number} g */
  async fold(g) {
    const open = new Set(this.open);
    open.delete(g);
    await this.setOpen(open);
  }

  /** Open the closed groups that are drawn, the smallest first. */
  async openMore() {
    const open = new Set(this.open);
    const closed = [...new Set(this.view.parts.map((part) => part.group))].filter((g) => g >= 0 && !open.has(g));
    let opened = false;
    for (const g of closed.sort((a, b) => this.forest.shows(a) - this.forest.shows(b))) {
      open.add(g);
      if (this.forest.count(open) > MOST) open.delete(g);
      else opened = true;
    }
    if (opened) await this.setOpen(open);
    else if (closed.length) this.canvas.say(`No further group fits: ${grouped(MOST)} cells is the most. Fold something first, or focus on a value.`);
  }

  /** Show a value and what is near it, alone. @param {number} k @param {number} hops */
  async focusOn(k, hops) {
    this.focus = [k, Math.min(9, Math.max(1, Math.round(hops) || 1))];
    this.selected = k;
    this.#look();
    this.changed();
    await this.canvas.draw();
  }

  async unfocus() {
    this.focus = null;
    await this.setOpen(this.open);
  }

  /** The values within some hops. @param {[number, number]} focus */
  #near([k, hops]) {
    this.users ??= this.tape.users();
    const { starts, users } = this.users;
    const near = new Set([k]);
    let edge = [k];
    for (let hop = 0; hop < hops; hop += 1) {
      const next = [];
      for (const v of edge) {
        const beside = [...this.tape.operandsOf(v), ...users.subarray(starts[v], starts[v + 1])];
        for (const u of beside) {
          if (near.has(u)) continue;
          if (near.size >= MOST / 4) return near;
          near.add(u);
          next.push(u);
        }
      }
      edge = next;
    }
    return near;
  }

  /** What is to be said over a cell. @param {import("./fold.js").Part} part */
  mark(part) {
    const k = part.value;
    if (k >= 0 && this.bad && k === this.bad.first && this.isComputed(k)) return { bad: true, text: `! ${short(this.engine.data[k])} begins here` };
    if (k >= 0 && this.bad && k === this.bad.back) return { bad: true, text: "! first bad gradient" };
    if (k >= 0 && !this.quiz && this.gradients.given && this.gradients.findings.get(k)?.verdict === "wrong") return { bad: true, text: "✗ gradient in Python is wrong" };
    return { bad: false, text: "" };
  }

  // --- the address --------------------------------------------------------------------------------

  get state() {
    const same = this.open.size === this.home.size && [...this.open].every((g) => this.home.has(g));
    return written({
      leaves: [...this.engine.moved], step: this.position >= this.engine.last ? null : this.position,
      selected: this.selected, open: same ? null : [...this.open], theme: this.theme, tab: this.tab,
      focus: this.focus, root: this.tape.roots.indexOf(this.engine.root),
    });
  }

  #remember() {
    this.onchange?.();
    if (!this.options.address || this.remembering) return;
    this.remembering = window.setTimeout(() => {
      this.remembering = 0;
      try {
        history.replaceState(null, "", this.state || "#");
      } catch {
        this.options.address = false; // a frame without an address of its own
      }
    }, 150);
  }

  async copyLink() {
    const link = location.href.replace(/#.*$/, "") + this.state;
    try {
      await navigator.clipboard.writeText(link);
      return "The link is copied: it holds leaves, step and view.";
    } catch {
      return `Copy this address: ${link}`;
    }
  }
}
