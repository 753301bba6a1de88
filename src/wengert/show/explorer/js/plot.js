/**
 * Small charts: the root over one leaf with its tangent, and the history of a loss.
 */
import { s } from "./dom.js";
import { short, shorten } from "./text.js";

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT] = [340, 190, 52, 24, 10, 12];
const [FEWEST, POINTS] = [24, 120];
const WORK = 3_000_000; // values that may be computed for a chart, more or less

/** A range that has some room around what it holds. @param {number[]} numbers @returns {[number, number]} */
function spread(numbers) {
  const finite = numbers.filter(Number.isFinite);
  const low = Math.min(...finite);
  const high = Math.max(...finite);
  if (!finite.length) return [-1, 1];
  const room = low === high ? Math.max(1e-6, Math.abs(low) * 0.1) : (high - low) * 0.08;
  return [low - room, high + room];
}

/** @param {[number, number]} across @param {[number, number]} up */
function frame(across, up) {
  const x = (/** @type {number} */ at) => LEFT + ((at - across[0]) / (across[1] - across[0])) * (WIDTH - LEFT - RIGHT);
  const y = (/** @type {number} */ at) => HEIGHT - BOTTOM - ((at - up[0]) / (up[1] - up[0])) * (HEIGHT - BOTTOM - TOP);
  const axes = s("path", { class: "axis", d: `M${LEFT} ${TOP}V${HEIGHT - BOTTOM}H${WIDTH - RIGHT}` });
  const label = (/** @type {number} */ px, /** @type {number} */ py, /** @type {string} */ text, anchor = "middle") =>
    s("text", { class: "tick", x: px, y: py, "text-anchor": anchor }, text);
  const brief = (/** @type {number} */ at) => short(Number(at.toPrecision(3)));
  const labels = [
    label(LEFT, HEIGHT - 8, brief(across[0]), "start"), label(WIDTH - RIGHT, HEIGHT - 8, brief(across[1]), "end"),
    label(LEFT - 5, HEIGHT - BOTTOM, brief(up[0]), "end"), label(LEFT - 5, TOP + 8, brief(up[1]), "end"),
  ];
  return { x, y, parts: [axes, ...labels], label };
}

/** The root over one leaf, with tangent and present point; null where it is finite nowhere. @param {import("./engine.js").Engine} engine @param {number} leaf @param {[number, number]} range */
export function rootOver(engine, leaf, range) {
  const over = engine.rootOver(leaf);
  const points = Math.round(Math.max(FEWEST, Math.min(POINTS, WORK / (engine.root + 1))));
  const at = engine.data[leaf];
  const now = engine.data[engine.root];
  const slope = engine.grad[leaf];
  const xs = Array.from({ length: points + 1 }, (_, k) => range[0] + ((range[1] - range[0]) * k) / points);
  const ys = xs.map(over);
  if (!ys.some(Number.isFinite)) return null;
  const up = spread([...ys, now]);
  const { x, y, parts, label } = frame(range, up);
  let path = "";
  let open = false;
  ys.forEach((value, k) => {
    if (Number.isFinite(value)) path += `${open ? "L" : "M"}${x(xs[k]).toFixed(1)} ${y(value).toFixed(1)}`;
    open = Number.isFinite(value);
  });
  const [name, root] = [leaf, engine.root].map((k) => shorten(engine.tape.name(k), 24));
  const drawn = s("svg", { class: "plot", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img",
    "aria-label": `${root} over ${name}: at ${short(at)} it is ${short(now)}, with slope ${short(slope)}` }, ...parts);
  const clip = `clip-${leaf}`;
  drawn.append(s("clipPath", { id: clip }, s("rect", { x: LEFT, y: TOP, width: WIDTH - LEFT - RIGHT, height: HEIGHT - BOTTOM - TOP })));
  const inside = s("g", { "clip-path": `url(#${clip})` }, s("path", { class: "curve", d: path }));
  if (Number.isFinite(now) && Number.isFinite(slope)) {
    const [x0, x1] = range;
    inside.append(s("path", { class: "tangent", d: `M${x(x0)} ${y(now + slope * (x0 - at))}L${x(x1)} ${y(now + slope * (x1 - at))}` }));
    inside.append(s("circle", { class: "point", cx: x(at), cy: y(now), r: 5 }));
  }
  drawn.append(inside, label((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, name), label(LEFT + 6, TOP + 8, root, "start"));
  return drawn;
}

/** How the root went with the nudges. @param {number[]} history @param {string} name */
export function historyOf(history, name) {
  const up = spread(history);
  const { x, y, parts } = frame([0, Math.max(1, history.length - 1)], up);
  const path = history.map((value, k) => (Number.isFinite(value) ? `${k ? "L" : "M"}${x(k).toFixed(1)} ${y(value).toFixed(1)}` : "")).join("");
  const dots = history.map((value, k) => s("circle", { class: "dot", cx: x(k), cy: Number.isFinite(value) ? y(value) : TOP, r: 2.5 }));
  return s("svg", { class: "plot", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img",
    "aria-label": `${name} over ${history.length - 1} nudges, from ${short(history[0])} to ${short(history[history.length - 1])}` },
  ...parts, s("path", { class: "curve", d: path }), ...dots);
}
