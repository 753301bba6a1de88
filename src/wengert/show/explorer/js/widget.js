/**
 * The live explorer in a notebook: the same page in a shadow tree, in step with Python.
 */
import { h } from "./dom.js";
import { mount } from "./mount.js";
import { parsed } from "./tape.js";
import { full } from "./text.js";

/** @typedef {{get: (name: string) => any, set: (name: string, value: any) => void, save_changes: () => void, on: (what: string, does: (...given: any[]) => void) => void, off: (what: string, does: (...given: any[]) => void) => void, send: (content: any) => void}} Model */

/** Who gives other modules by name. @typedef {(name: string) => any} Use */

/** The rules that Python has written as a module. @param {string} text @param {Use} use @returns {Promise<import("./engine.js").Rule[]>} */
async function rulesIn(text, use) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  const made = await import(url);
  URL.revokeObjectURL(url);
  return made.default(use).rules;
}

/** What anywidget calls. @param {string} source of a worker @param {string} style @param {Use} use */
export function widget(source, style, use) {
  return {
    /** @param {{model: Model, el: HTMLElement}} given */
    async render({ model, el }) {
      let host = h("div", { class: "within" });
      el.dataset.lmSuppressShortcuts = "true"; // JupyterLab would take Enter and arrow keys
      const shadow = el.attachShadow({ mode: "open" });
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(style);
      shadow.adoptedStyleSheets = [sheet];
      shadow.append(host);
      host.style.setProperty("--frame", `${model.get("height")}px`);
      const mounted = async () => {
        const payload = JSON.parse(model.get("tape"));
        return mount(host, payload, await rulesIn(payload.rules, use), source, { address: false, hash: "" });
      };
      let app = await mounted();
      let hearing = false;
      /** @param {() => void} does */
      const heard = (does) => {
        hearing = true;
        does();
        hearing = false;
      };
      const told = () => {
        if (hearing || (app.position === model.get("step") && app.selected === model.get("selected"))) return;
        heard(() => {
          model.set("step", app.position);
          model.set("selected", app.selected);
        });
        model.save_changes();
      };
      const stepped = () => heard(() => {
        const step = model.get("step");
        if (step !== app.position) app.go(step < 0 ? app.engine.last : step);
      });
      const steppedTo = () => {
        stepped();
        told(); // where that is, if it was said otherwise
      };
      const chosen = () => heard(() => {
        const k = model.get("selected");
        if (k !== app.selected && k >= 0 && k < app.tape.size) app.lookAt(k);
      });
      const follow = () => {
        app.onmove = (leaves) => {
          if (!hearing) model.send({ moved: leaves.map(([k, x]) => [k, full(x)]) });
        };
        app.onmore = () => model.send({ more: true });
        if (app.tape.follows) app.onagain = () => model.send({ again: true });
        app.story.update();
        app.onchange = told;
      };
      stepped();
      chosen();
      follow();
      told();
      const replace = async () => {
        const before = { app, host };
        host = h("div", { class: "within" }); // without what listens on the other
        host.style.cssText = before.host.style.cssText;
        app = await mounted();
        before.host.replaceWith(host);
        app.resume(before.app);
        follow();
        told();
        host.dataset.ready = "true";
      };
      let replacing = Promise.resolve();
      const replaced = () => (replacing = replacing.then(replace));
      /** @param {{leaves?: [number, number | string][]}} content */
      const moved = (content) => heard(() => {
        if (content.leaves) app.move(content.leaves.map(([k, x]) => [k, parsed(x)]), true);
      });
      model.on("change:step", steppedTo);
      model.on("change:selected", chosen);
      model.on("change:tape", replaced);
      model.on("msg:custom", moved);
      host.dataset.ready = "true";
      return () => {
        model.off("change:step", steppedTo);
        model.off("change:selected", chosen);
        model.off("change:tape", replaced);
        model.off("msg:custom", moved);
      };
    },
  };
}
