/**
 * The page: reads its tape, and starts.
 */
import { App } from "./app.js";
import { h } from "./dom.js";
import { rules } from "./rules.js";
import { Tape } from "./tape.js";
import { Placing } from "./worker.js";

/**
 * Show an explorer in an element.
 * @param {HTMLElement} host @param {import("./tape.js").Payload} payload @param {string} source of a worker
 * @param {{address: boolean, hash: string}} options
 */
export async function mount(host, payload, source, options) {
  const tape = await Tape.read(payload);
  const app = new App(host, tape, rules, new Placing(source), { address: options.address });
  await app.start(options.hash);
  return app;
}

/** Start the page that this stands in. @param {string} source of a worker */
export async function main(source) {
  const host = /** @type {HTMLElement} */ (document.getElementById("explorer"));
  try {
    const text = document.getElementById("tape")?.textContent ?? "";
    const app = await mount(host, JSON.parse(text), source, { address: true, hash: location.hash });
    addEventListener("hashchange", () => {
      if (location.hash !== app.state) location.reload();
    });
    Object.assign(globalThis, { explorer: app });
    host.dataset.ready = "true";
  } catch (error) {
    host.replaceChildren(h("p", { class: "alert" }, `The page could not be shown: ${error instanceof Error ? error.message : error}`));
    throw error;
  }
}
