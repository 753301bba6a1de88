/**
 * An explorer in an element: reads its tape, and starts.
 */
import { App } from "./app.js";
import { Tape } from "./tape.js";
import { Placing } from "./worker.js";

/**
 * Show an explorer in an element.
 * @param {HTMLElement} host @param {import("./tape.js").Payload} payload @param {import("./engine.js").Rule[]} rules
 * @param {string} source of a worker @param {{address: boolean, hash: string}} options
 */
export async function mount(host, payload, rules, source, options) {
  const tape = await Tape.read(payload);
  const app = new App(host, tape, rules, new Placing(source), { address: options.address });
  await app.start(options.hash);
  return app;
}
