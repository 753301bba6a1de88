/**
 * The picture: cells and edges as SVG, moved and magnified, with a map of the whole beside it.
 */
import { button, focused, h, s } from "./dom.js";
import { columns, number, shorten } from "./text.js";
import { sceneOf } from "./scene.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./place.js").Bounds} Bounds */
/** @typedef {{cell: SVGGElement, data?: SVGTextElement, grad?: SVGTextElement, badge?: SVGTextElement, name?: [string, string], part: import("./fold.js").Part}} Drawn */

const MARGIN = 24;
const CLOSEST = 3;

/** A name of a style as a class. @param {string} style */
const classOf = (style) => `s-${style.replace(" ", "-")}`;

/** @param {import("./place.js").Line} line */
function pathOf({ points, curves, style }) {
  const at = points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`);
  const bent = 1 + 3 * curves;
  let text = `M${at[0]}`;
  for (let k = 1; k < bent; k += 3) text += `C${at[k]} ${at[k + 1]} ${at[k + 2]}`;
  for (let k = bent; k < at.length; k += 1) text += `L${at[k]}`;
  return style === "arrow" ? `${text}Z` : text;
}

/** @param {import("./place.js").Shape} shape */
function drawn(shape) {
  const style = classOf(shape.style);
  if (shape.shape === "box") {
    const { x, y, width, height, radius } = shape;
    return s("rect", { class: style, x, y, width, height, rx: radius });
  }
  if (shape.shape === "line") return s("path", { class: style, d: pathOf(shape) });
  // With a space at its end, so that texts beside each other are words.
  return s("text", { class: style, x: shape.x, y: shape.y, "font-size": shape.size }, `${shape.text} `);
}

export class Canvas {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    this.view = app.view; // as it is drawn
    this.layer = s("g");
    this.svg = s("svg", { class: "graph", role: "group", "aria-label": `Graph of ${app.tape.title}` }, this.layer);
    this.map = s("svg", { class: "map", "aria-hidden": "true" });
    this.window = s("rect", { class: "window" });
    this.message = h("p", { class: "message", hidden: true });
    this.element = h(
      "section", { class: "canvas", "aria-label": "Picture" },
      this.svg,
      h("div", { class: "zoom", role: "group", "aria-label": "Zoom" },
        button("+", () => this.zoom(1.3), { "aria-label": "Zoom in" }),
        button("−", () => this.zoom(1 / 1.3), { "aria-label": "Zoom out" }),
        button("Fit", () => this.fit(), { "aria-label": "Fit: show all" })),
      this.map, this.message,
    );
    /** @type {Map<number, Drawn>} by cell */
    this.cells = new Map();
    /** @type {Map<string, SVGGElement>} by the cells they join, and the place of the operand */
    this.edges = new Map();
    /** @type {Bounds} */
    this.around = [0, 0, 1, 1];
    this.look = { x: 0, y: 0, scale: 1 };
    /** @type {Bounds[]} */
    this.bounds = [];
    this.touched = false;
    this.redrawing = false;
    this.#listen();
    new ResizeObserver(() => this.#resized()).observe(this.svg);
  }

  // --- drawing ------------------------------------------------------------------------------------

  /** Lay out the view, and draw it. @param {boolean} [keep] whether the present look stays */
  async draw(keep = false) {
    const { app } = this;
    const { view } = app;
    const scene = sceneOf(app.engine, view, !app.focus);
    const picture = await app.placing.place(scene);
    if (view !== app.view) return; // another one has been asked for since
    const held = this.#held();
    this.view = view;
    this.scene = scene;
    this.picture = picture;
    this.bounds = picture.bounds;
    this.around = picture.around;
    this.cells.clear();
    this.edges.clear();
    const { parts } = view;
    const children = picture.groups.map((group) => {
      const shapes = group.shapes.map(drawn);
      const element = s("g", { class: group.kind === "edge" || group.kind === "trunk" ? group.kind : `${group.kind} item` });
      element.append(...shapes);
      if (group.kind === "frame") this.#frame(element, scene.groups[group.at]);
      else if (group.kind === "edge") this.edges.set(`${group.from},${group.at},${group.slot}`, element);
      else if (group.kind !== "trunk") this.#cell(element, group, shapes, parts[group.at]);
      return element;
    });
    this.layer.replaceChildren(...children);
    this.#drawMap();
    const [left, top, right, bottom] = this.around;
    const high = Math.max(230, bottom - top + 3 * MARGIN);
    if (!keep) {
      app.host.classList.toggle("wide", right - left > 760 && high < 400);
      app.host.style.setProperty("--high", `${Math.round(high)}px`);
    }
    if (keep) this.#applyLook();
    else this.fit();
    this.numbers();
    this.marks();
    if (held) this.#refocus(held);
  }

  /** The value or group that has the focus. @returns {[number, number] | null} */
  #held() {
    const active = focused(this.svg);
    if (!active || !this.layer.contains(active)) return null;
    if (active.dataset.group !== undefined) return [-1, Number(active.dataset.group)];
    const part = this.cells.get(Number(active.dataset.cell))?.part;
    return part ? [part.value, part.group] : null;
  }

  /** Give it the focus again, where it is drawn; a group that was opened is a frame now. @param {[number, number]} held */
  #refocus([value, group]) {
    const frame = /** @type {SVGGElement | null} */ (this.layer.querySelector(`[data-group="${group}"]`));
    const cell = [...this.cells.values()].find(({ part }) => (value < 0 ? part.value < 0 && part.group === group : part.value === value));
    (cell?.cell ?? frame)?.focus({ preventScroll: true });
  }

  /** @param {SVGGElement} element @param {number} g */
  #frame(element, g) {
    const title = shorten(this.app.tape.groupTitle(g), 40);
    element.setAttribute("role", "button");
    element.setAttribute("tabindex", "0");
    element.setAttribute("aria-label", `${title}  −: fold`);
    element.dataset.group = String(g);
  }

  /** @param {SVGGElement} element @param {import("./place.js").Group} group @param {SVGElement[]} shapes @param {import("./fold.js").Part} part */
  #cell(element, group, shapes, part) {
    element.dataset.cell = String(group.at);
    element.setAttribute("role", "button");
    element.setAttribute("tabindex", "0");
    /** @type {Drawn} */
    const cell = { cell: element, part };
    group.shapes.forEach((shape, k) => {
      if (shape.shape !== "text" || shape.field === undefined) return;
      const text = /** @type {SVGTextElement} */ (shapes[k]);
      if (shape.field === 0) cell.data = text;
      else cell.grad = text;
    });
    const [, top, right] = this.bounds[group.at];
    cell.badge = s("text", { class: "badge", x: right, y: top - 4, "text-anchor": "end" });
    const symbols = shapes.filter((_, k) => group.shapes[k].style === "symbol");
    element.append(cell.badge, ...symbols); // in the order in which they are read out
    this.cells.set(group.at, cell);
  }

  /** Write all numbers anew. */
  numbers() {
    const { app } = this;
    const { engine, tape } = app;
    const position = app.position;
    const state = position <= engine.steps ? engine.gradientsAt(position) : null;
    let wider = false;
    for (const [k, cell] of this.cells) {
      const v = cell.part.value;
      if (v < 0) {
        cell.cell.setAttribute("aria-label", `${this.scene?.cells[k].fields.join(" ")}: open`);
        continue;
      }
      const known = tape.ops[v] < 0 || app.isComputed(v);
      const data = known ? number(engine.data[v]) : "·";
      const filled = !app.quiz || app.quiz.answered.has(v);
      const reached = !state || state.seen[v];
      const grad = !filled ? "?" : reached ? number(state ? state.grad[v] : engine.grad[v]) : "·";
      const reserved = this.scene?.cells[k].fields ?? [];
      if (columns(data) > columns(reserved[reserved.length - 2] ?? "") - 5) wider = true;
      if (columns(grad) > columns(reserved[reserved.length - 1] ?? "") - 5) wider = true;
      if (cell.data && cell.data.textContent !== `${data} `) cell.data.textContent = `${data} `;
      if (cell.grad && cell.grad.textContent !== `${grad} `) cell.grad.textContent = `${grad} `;
      const op = this.scene?.cells[k].op ?? "";
      const label = tape.labels.get(v);
      const made = op ? ` ${op}: made by ${tape.kind(v)?.name}` : ": a leaf";
      const late = `${data === "·" ? ", not computed yet" : ""}${grad === "·" ? ", gradient not reached yet" : grad === "?" ? ", gradient hidden" : ""}`;
      const named = label === undefined ? `${tape.name(v)}: ` : `${shorten(label, 24)} `;
      cell.name = [`${named}data ${data} grad ${grad}`, `${made}${late}`];
      this.#name(cell);
    }
    if (wider && !this.redrawing) {
      this.redrawing = true;
      void this.draw(true).then(() => (this.redrawing = false));
    }
  }

  /** @param {Drawn} cell */
  #name({ cell, badge, name }) {
    if (name) cell.setAttribute("aria-label", `${name[0]} ${badge?.textContent ?? ""}`.trim() + name[1]);
  }

  /** Show what the present step touches, what is selected and what is bad. */
  marks() {
    const { app } = this;
    const { tape } = app;
    const step = app.step;
    const { partOf } = this.view;
    const current = step ? partOf[step.node] : -1;
    const from = !step ? [] : step.direction === "backward" ? [step.operand] : tape.operandsOf(step.node);
    const operands = new Set(from.map((u) => partOf[u]));
    for (const [k, drawnCell] of this.cells) {
      const { cell, part, badge } = drawnCell;
      const v = part.value;
      const classes = cell.classList;
      classes.toggle("current", k === current);
      classes.toggle("operand", operands.has(k) && k !== current);
      classes.toggle("selected", v >= 0 && v === app.selected);
      classes.toggle("waiting", v >= 0 && !app.isComputed(v));
      const mark = app.mark(part);
      classes.toggle("bad", mark.bad);
      const text = mark.text && `${mark.text} `;
      if (badge && badge.textContent !== text) {
        badge.textContent = text;
        this.#name(drawnCell);
      }
    }
    for (const edge of this.edges.values()) edge.classList.remove("travelled", "back");
    if (step) {
      const slots = step.direction === "backward" ? [step.slot] : from.map((_, k) => k);
      slots.forEach((slot, k) => {
        const edge = this.#edge(partOf[from[step.direction === "backward" ? 0 : k]], current, slot);
        edge?.classList.add("travelled");
        edge?.classList.toggle("back", step.direction === "backward");
      });
    }
  }

  /** @param {number} from @param {number} to @param {number} slot */
  #edge(from, to, slot) {
    const exact = this.edges.get(`${from},${to},${slot}`);
    if (exact) return exact;
    for (const [key, edge] of this.edges) if (key.startsWith(`${from},${to},`)) return edge;
    return undefined;
  }

  /** Bring values into view; where all do not fit, what is between them. @param {...number} values */
  reveal(...values) {
    const found = values.map((v) => this.bounds[this.view.partOf[v]]).filter(Boolean);
    if (!found.length) return;
    const [left, top] = [0, 1].map((k) => Math.min(...found.map((bound) => bound[k])));
    const [right, bottom] = [2, 3].map((k) => Math.max(...found.map((bound) => bound[k])));
    const box = this.#box();
    const { x, y, scale } = this.look;
    const inside = left >= x && top >= y && right <= x + box.width / scale && bottom <= y + box.height / scale;
    if (inside) return;
    const smaller = box.width / (right - left + 16);
    const next = smaller < scale && smaller > 0.7 * scale ? smaller : scale; // a little smaller, to show it whole
    this.look = { x: (left + right) / 2 - box.width / next / 2, y: (top + bottom) / 2 - box.height / next / 2, scale: next };
    this.touched = true;
    this.#applyLook();
  }

  /** Say something over the picture. @param {string} text */
  say(text) {
    this.message.textContent = text;
    this.message.hidden = !text;
  }

  // --- looking ------------------------------------------------------------------------------------

  #box() {
    const { width, height } = this.svg.getBoundingClientRect();
    return { width: width || 800, height: height || 500 };
  }

  /** Show all, no larger than life. */
  fit() {
    const box = this.#box();
    const [left, top, right, bottom] = this.around;
    const wide = right - left + 2 * MARGIN;
    const high = bottom - top + 2 * MARGIN;
    const scale = Math.min(1.25, box.width / wide, box.height / high);
    const readable = Math.max(scale, Math.min(0.6, box.width / 500));
    this.look = { x: left - MARGIN, y: top - MARGIN, scale: readable };
    if (scale >= readable) {
      this.look.x = (left + right) / 2 - box.width / scale / 2;
      this.look.y = (top + bottom) / 2 - box.height / scale / 2;
    } else {
      const root = this.bounds[this.view.partOf[this.app.engine.root]] ?? this.around;
      this.look.y = Math.max(top - MARGIN, (root[1] + root[3]) / 2 - box.height / readable / 2);
      if (high < box.height / readable) this.look.y = (top + bottom) / 2 - box.height / readable / 2;
      this.look.x = Math.max(left - MARGIN, right + MARGIN - box.width / readable);
      if (wide < box.width / readable) this.look.x = (left + right) / 2 - box.width / readable / 2;
    }
    this.touched = false;
    this.#applyLook();
  }

  #resized() {
    if (this.picture && !this.touched) this.fit();
    else this.#applyLook();
  }

  /** @param {number} factor @param {number} [cx] @param {number} [cy] */
  zoom(factor, cx, cy) {
    const box = this.#box();
    const { x, y, scale } = this.look;
    const next = Math.min(CLOSEST, Math.max(0.02, scale * factor));
    const px = cx ?? box.width / 2;
    const py = cy ?? box.height / 2;
    this.look = { x: x + px / scale - px / next, y: y + py / scale - py / next, scale: next };
    this.touched = true;
    this.#applyLook();
  }

  /** @param {number} dx @param {number} dy in pixels */
  pan(dx, dy) {
    this.look.x += dx / this.look.scale;
    this.look.y += dy / this.look.scale;
    this.touched = true;
    this.#applyLook();
  }

  #applyLook() {
    const box = this.#box();
    const { x, y, scale } = this.look;
    this.svg.setAttribute("viewBox", `${x} ${y} ${box.width / scale} ${box.height / scale}`);
    const [left, top, right, bottom] = this.around;
    const inside = x <= left && y <= top && x + box.width / scale >= right && y + box.height / scale >= bottom;
    this.map.classList.toggle("needless", inside);
    for (const [name, value] of /** @type {const} */ ([["x", x], ["y", y], ["width", box.width / scale], ["height", box.height / scale]])) {
      this.window.setAttribute(name, String(value));
    }
  }

  #drawMap() {
    const [left, top, right, bottom] = this.around;
    this.map.setAttribute("viewBox", `${left} ${top} ${Math.max(1, right - left)} ${Math.max(1, bottom - top)}`);
    let boxes = "";
    for (const b of this.bounds) boxes += `M${b[0]} ${b[1]}H${b[2]}V${b[3]}H${b[0]}Z`;
    this.map.replaceChildren(s("path", { class: "cells", d: boxes }), this.window);
  }

  #listen() {
    const { svg, map } = this;
    /** @type {Map<number, {x: number, y: number}>} */
    const held = new Map();
    let dragged = false;
    svg.addEventListener("pointerdown", (event) => {
      held.set(event.pointerId, { x: event.clientX, y: event.clientY });
      dragged = false;
    });
    svg.addEventListener("pointermove", (event) => {
      const before = held.get(event.pointerId);
      if (!before) return;
      const [dx, dy] = [event.clientX - before.x, event.clientY - before.y];
      if (!dragged && Math.hypot(dx, dy) < 4) return;
      if (!dragged) svg.setPointerCapture(event.pointerId);
      dragged = true;
      if (held.size === 2) {
        const [a, b] = [...held.values()];
        const apart = Math.hypot(a.x - b.x, a.y - b.y);
        held.set(event.pointerId, { x: event.clientX, y: event.clientY });
        const [c, d] = [...held.values()];
        const box = svg.getBoundingClientRect();
        this.zoom(Math.hypot(c.x - d.x, c.y - d.y) / (apart || 1), (c.x + d.x) / 2 - box.left, (c.y + d.y) / 2 - box.top);
      } else {
        held.set(event.pointerId, { x: event.clientX, y: event.clientY });
        this.pan(-dx, -dy);
      }
    });
    const release = (/** @type {PointerEvent} */ event) => held.delete(event.pointerId);
    svg.addEventListener("pointerup", release);
    svg.addEventListener("pointercancel", release);
    svg.addEventListener("wheel", (event) => {
      event.preventDefault();
      const box = svg.getBoundingClientRect();
      if (event.ctrlKey || event.metaKey) this.zoom(Math.exp(-event.deltaY / 200), event.clientX - box.left, event.clientY - box.top);
      else this.pan(event.shiftKey ? event.deltaY : event.deltaX, event.shiftKey ? 0 : event.deltaY);
    }, { passive: false });
    svg.addEventListener("click", (event) => {
      if (!dragged && event.target instanceof Element) this.#chosen(event.target);
    });
    svg.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && event.target instanceof Element) {
        this.#chosen(event.target);
        event.preventDefault();
      }
    });
    map.addEventListener("pointerdown", (event) => {
      const box = map.getBoundingClientRect();
      const [left, top, right, bottom] = this.around;
      const scale = Math.min(box.width / (right - left), box.height / (bottom - top));
      const x = left + (event.clientX - box.left - (box.width - (right - left) * scale) / 2) / scale;
      const y = top + (event.clientY - box.top - (box.height - (bottom - top) * scale) / 2) / scale;
      const seen = this.#box();
      this.look.x = x - seen.width / this.look.scale / 2;
      this.look.y = y - seen.height / this.look.scale / 2;
      this.touched = true;
      this.#applyLook();
    });
  }

  /** @param {Element} target */
  #chosen(target) {
    const item = target.closest("[data-cell], [data-group]");
    if (!(item instanceof SVGElement)) return;
    if (item.dataset.group !== undefined) {
      void this.app.fold(Number(item.dataset.group));
      return;
    }
    const part = this.cells.get(Number(item.dataset.cell))?.part;
    if (!part) return;
    if (part.value >= 0) this.app.select(part.value);
    else void this.app.unfold(part.group);
  }
}
