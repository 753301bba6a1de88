/**
 * The words of the trade, each with a sentence that hover and focus show.
 */
import { h } from "./dom.js";

/** @type {Record<string, string>} */
const MEANINGS = {
  leaf: "A leaf is a number you put in: nothing computes it, so you can move it.",
  root: "The root is the result at the end of the graph. Everything here asks how it changes.",
  gradient: "The gradient of a value says how fast the root changes when only this value is nudged. 6 means: nudge it up by a little, and the root goes up six times as much.",
  forward: "Forward: every operation is computed, from the leaves to the root.",
  backward: "Backward: gradients are handed on from the root to the leaves, one edge at a time.",
  "chain rule": "The chain rule: the effect on the root is the local effect times the effect of the result on the root. Where a value is used several times, these add up.",
  "local derivative": "The local derivative says how fast one operation's result changes with one of its operands, all else held still.",
  numerical: "The numerical derivative nudges the number a little both ways, computes the root again, and divides: no calculus, so it can check the calculus.",
  tangent: "The tangent is the straight line with the gradient as its slope: what the curve looks like from very near.",
  group: "A group stands for many values: a scope, a loop, or a part that repeats. Open it to see inside.",
  tape: "The tape is the list of all operations in the order they were done.",
};

/** A word that explains itself. @param {string} word @param {string} [shown] */
export function term(word, shown = word) {
  return h("span", { class: "term", tabindex: "0", role: "note", "data-about": MEANINGS[word], "aria-label": `${shown}: ${MEANINGS[word]}` }, shown);
}

/** A box that shows what is pointed at; once for a page. @param {HTMLElement} host */
export function explaining(host) {
  const tip = h("div", { class: "tip", role: "tooltip", hidden: true });
  host.append(tip);
  const hide = () => (tip.hidden = true);
  /** @param {Event} event */
  const show = (event) => {
    const target = event.target instanceof Element ? event.target.closest("[data-about]") : null;
    if (!target) {
      hide();
      return;
    }
    tip.textContent = target.getAttribute("data-about");
    tip.hidden = false;
    const [at, around] = [target.getBoundingClientRect(), host.getBoundingClientRect()];
    const left = Math.max(8, Math.min(at.left - around.left, around.width - tip.offsetWidth - 8));
    const below = at.bottom - around.top + 6;
    const fits = at.bottom + tip.offsetHeight + 12 < window.innerHeight;
    tip.style.left = `${left}px`;
    tip.style.top = `${fits ? below : at.top - around.top - tip.offsetHeight - 6}px`;
  };
  host.addEventListener("pointerover", show);
  host.addEventListener("focusin", show);
  host.addEventListener("focusout", hide);
  host.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
  });
}
