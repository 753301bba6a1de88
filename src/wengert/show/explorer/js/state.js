/**
 * The state of a page in its address, so that it can be shared.
 */
import { full } from "./text.js";
import { parsed } from "./tape.js";

/** @typedef {{leaves: [number, number][], step: number | null, selected: number, open: number[] | null, theme: string, tab: string, focus: [number, number] | null, root: number}} State */

/** @param {State} state */
export function written(state) {
  const parts = [];
  if (state.leaves.length) parts.push(`x=${state.leaves.map(([k, x]) => `${k}:${full(x)}`).join(",")}`);
  if (state.step !== null) parts.push(`s=${state.step}`);
  if (state.selected >= 0) parts.push(`n=${state.selected}`);
  if (state.open) parts.push(`o=${state.open.join(",")}`);
  if (state.focus) parts.push(`f=${state.focus.join(",")}`);
  if (state.theme !== "auto") parts.push(`t=${state.theme}`);
  if (state.tab !== "whatif") parts.push(`p=${state.tab}`);
  if (state.root) parts.push(`r=${state.root}`);
  return parts.length ? `#${parts.join("&")}` : "";
}

/** @param {string} hash @returns {State} */
export function readFrom(hash) {
  const given = new Map(hash.replace(/^#/, "").split("&").map((part) => {
    const at = part.indexOf("=");
    return /** @type {[string, string]} */ ([part.slice(0, at), part.slice(at + 1)]);
  }));
  const ints = (/** @type {string | undefined} */ text) => (text ? text.split(",").map(Number).filter(Number.isInteger) : []);
  /** @type {[number, number][]} */
  const leaves = (given.get("x") ?? "").split(",").map((pair) => pair.split(":"))
    .filter((pair) => pair.length === 2 && Number.isInteger(Number(pair[0])))
    .map(([k, x]) => [Number(k), parsed(x)]);
  const focus = ints(given.get("f"));
  const theme = given.get("t") ?? "auto";
  return {
    leaves,
    step: given.has("s") ? (ints(given.get("s"))[0] ?? null) : null,
    selected: ints(given.get("n"))[0] ?? -1,
    open: given.has("o") ? ints(given.get("o")) : null,
    theme: ["auto", "light", "dark"].includes(theme) ? theme : "auto",
    tab: given.get("p") ?? "whatif",
    focus: focus.length === 2 ? [focus[0], focus[1]] : null,
    root: ints(given.get("r"))[0] ?? 0,
  };
}
