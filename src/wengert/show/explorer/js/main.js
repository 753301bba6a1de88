/**
 * The page: an explorer of the tape that stands in it.
 */
import { h } from "./dom.js";
import { mount } from "./mount.js";
import { rules } from "./rules.js";

/** Start the page that this stands in. @param {string} source of a worker */
export async function main(source) {
  const host = /** @type {HTMLElement} */ (document.getElementById("explorer"));
  try {
    const text = document.getElementById("tape")?.textContent ?? "";
    const app = await mount(host, JSON.parse(text), rules, source, { address: true, hash: location.hash });
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
