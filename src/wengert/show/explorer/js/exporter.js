/**
 * What can be taken away: the present picture, Python that builds the expression, the tape.
 */
import { button, download, h } from "./dom.js";
import { bytesOf } from "./tape.js";
import { full, grouped } from "./text.js";

/** @typedef {import("./app.js").App} App */

const LONGEST = 5000; // lines of Python
const SIDE = 8000; // of a PNG, in pixels

/** The present view as SVG text, with its own style. @param {App} app */
export function svgText(app) {
  const source = app.canvas.svg;
  const copy = /** @type {SVGSVGElement} */ (source.cloneNode(true));
  const originals = source.querySelectorAll("rect, path, text");
  copy.querySelectorAll("rect, path, text").forEach((element, k) => {
    const style = getComputedStyle(originals[k]);
    for (const name of ["fill", "stroke", "stroke-width", "stroke-dasharray", "font-family", "font-weight", "opacity"]) {
      element.setAttribute(name, style.getPropertyValue(name));
    }
  });
  for (const element of [copy, ...copy.querySelectorAll("*")]) {
    for (const name of ["tabindex", "role", "class", "data-cell", "data-group", "aria-label"]) element.removeAttribute(name);
  }
  copy.setAttribute("role", "img");
  copy.setAttribute("aria-label", `Graph of ${app.tape.title}`);
  const box = source.getBoundingClientRect();
  copy.setAttribute("width", String(Math.round(box.width)));
  copy.setAttribute("height", String(Math.round(box.height)));
  const [x, y, width, height] = (copy.getAttribute("viewBox") ?? "0 0 1 1").split(" ");
  const paper = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  for (const [name, value] of Object.entries({ x, y, width, height, fill: getComputedStyle(app.canvas.element).backgroundColor })) paper.setAttribute(name, value);
  copy.prepend(paper);
  return new XMLSerializer().serializeToString(copy);
}

/** The present view as a PNG. @param {App} app @returns {Promise<Blob>} */
export async function pngOf(app) {
  const box = app.canvas.svg.getBoundingClientRect();
  const scale = Math.min(2, SIDE / Math.max(box.width, box.height));
  const image = new Image(box.width, box.height);
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svgText(app))}`;
  await image.decode();
  const canvas = h("canvas", { width: Math.round(box.width * scale), height: Math.round(box.height * scale) });
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  const [, text] = canvas.toDataURL("image/png").split(","); // toBlob waits seconds for an idle page
  return new Blob([bytesOf(text)], { type: "image/png" });
}

/** Python that builds the expression, or the part in focus. @param {App} app */
export function pythonText(app) {
  const { tape, engine } = app;
  const shown = app.focus ? new Set(app.view.parts.map((part) => part.value)) : null;
  /** @type {(string | undefined)[]} */
  const names = [];
  const taken = new Set(["wg", "Value", "primitives", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while", "with", "yield", "True", "False", "None"]);
  const lines = ["import wengert as wg", "from wengert import Value, primitives", ""];
  for (let k = 0; k < tape.size; k += 1) {
    if (shown ? !shown.has(k) : !engine.below[k]) continue;
    let name = tape.name(k).replace(/[^A-Za-z0-9_]/g, "_");
    if (!/^[A-Za-z_]/.test(name)) name = `v_${name}`;
    while (taken.has(name)) name += "_";
    taken.add(name);
    names[k] = name;
    if (lines.length > LONGEST) throw new Error(`Python of more than ${grouped(LONGEST)} lines is of no use. Focus on a part first.`);
    const label = tape.labels.get(k);
    const labelled = label === undefined ? "" : pythonString(label);
    const kind = tape.kind(k);
    const operands = tape.operandsOf(k).map((u) => names[u]);
    if (!kind || !engine.rules[tape.ops[k]] || operands.includes(undefined)) {
      const x = pythonNumber(engine.data[k]);
      lines.push(`${name} = Value(${x}${labelled ? `, label=${labelled}` : ""})${kind ? `  # made by ${pythonComment(kind.symbol)}, which stands here as its number` : ""}`);
    } else {
      lines.push(`${name} = ${kind.python.replace(/\{(\d)\}/g, (_, slot) => operands[Number(slot)] ?? "")}`);
      if (labelled) lines.push(`${name}.label = ${labelled}`);
    }
  }
  const last = shown ? Math.max(...shown) : engine.root;
  lines.push("", `${names[last]}.backward()`, "");
  return lines.join("\n");
}

/** @param {number} x */
function pythonNumber(x) {
  return Number.isFinite(x) ? full(x) : `float("${full(x)}")`;
}

/** A Python string of nothing but ASCII. @param {string} text */
function pythonString(text) {
  return JSON.stringify(text).replace(/[^\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** @param {string} text */
function pythonComment(text) {
  return text.replace(/[^\x20-\x7e]/g, "?");
}

/** The tape as JSON text. @param {App} app */
export function jsonText(app) {
  const { tape, engine } = app;
  const finite = (/** @type {number} */ x) => (Number.isFinite(x) ? x : full(x));
  const nodes = Array.from({ length: tape.size }, (_, k) => ({
    name: tape.name(k), label: tape.labels.get(k) ?? "", data: finite(engine.data[k]), grad: finite(engine.grad[k]),
    op: tape.kind(k)?.name ?? "", operands: tape.operandsOf(k).map((u) => tape.name(u)),
  }));
  return JSON.stringify({ root: tape.name(engine.root), nodes }, null, 1);
}

export class Exporter {
  /** @param {App} app */
  constructor(app) {
    const text = (/** @type {string} */ name, /** @type {string} */ type, /** @type {() => string} */ make) => () => {
      try {
        download(name, new Blob([make()], { type }));
        this.said.textContent = `${name} was made.`;
      } catch (error) {
        this.said.textContent = error instanceof Error ? error.message : String(error);
      }
    };
    this.said = h("p", { class: "hint", role: "status" });
    this.snippet = h("textarea", { readonly: true, rows: 8, "aria-label": "Python that rebuilds the expression", hidden: true });
    this.element = h("div", {},
      h("p", { class: "hint" }, "Take away the present view, the expression, or all numbers. Nothing leaves this machine."),
      h("div", { class: "row" },
        button("Picture (SVG)", text("graph.svg", "image/svg+xml", () => svgText(app))),
        button("Picture (PNG)", () => { void pngOf(app).then((blob) => { download("graph.png", blob); this.said.textContent = "graph.png was made."; }); }),
        button("Python", () => {
          text("graph.py", "text/x-python", () => pythonText(app))();
          this.snippet.hidden = false;
          try { this.snippet.value = pythonText(app); } catch { this.snippet.hidden = true; }
        }),
        button("Tape (JSON)", text("tape.json", "application/json", () => jsonText(app))),
        button("Copy link", () => { void app.copyLink().then((said) => (this.said.textContent = said)); })),
      this.said, this.snippet);
  }

  update() {
    this.snippet.hidden = true;
  }
}
