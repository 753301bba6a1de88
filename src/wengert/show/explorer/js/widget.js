/**
 * The live explorer in a notebook: the same page in a shadow tree, in step with Python.
 */
import { h } from "./dom.js";
import { mount } from "./main.js";

/** @typedef {{get: (name: string) => any, set: (name: string, value: any) => void, save_changes: () => void, on: (what: string, does: (...given: any[]) => void) => void, off: (what: string, does: (...given: any[]) => void) => void, send: (content: any) => void}} Model */

/** What anywidget calls. @param {string} source of a worker @param {string} style */
export function widget(source, style) {
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
      let app = await mount(host, JSON.parse(model.get("tape")), source, { address: false, hash: "" });
      let hearing = false;
      const follow = () => {
        app.onmove = (leaves) => {
          if (hearing) return;
          model.send({ moved: leaves });
        };
        app.onmore = () => model.send({ more: true });
        app.story.update();
        app.onchange = () => {
          if (hearing || (app.position === model.get("step") && app.selected === model.get("selected"))) return;
          model.set("step", app.position);
          model.set("selected", app.selected);
          model.save_changes();
        };
      };
      follow();
      /** @param {() => void} does */
      const heard = (does) => {
        hearing = true;
        does();
        hearing = false;
      };
      const stepped = () => heard(() => { if (model.get("step") !== app.position) app.go(model.get("step")); });
      const chosen = () => heard(() => {
        const k = model.get("selected");
        if (k !== app.selected && k >= 0 && k < app.tape.size) app.lookAt(k);
      });
      const replaced = async () => {
        const hash = app.state;
        const before = host;
        host = h("div", { class: "within" }); // without what listens on the other
        host.style.cssText = before.style.cssText;
        before.replaceWith(host);
        app = await mount(host, JSON.parse(model.get("tape")), source, { address: false, hash });
        follow();
      };
      /** @param {{leaves?: [number, number | string][]}} content */
      const told = (content) => heard(() => {
        if (content.leaves) app.move(content.leaves.map(([k, x]) => [k, Number(x)]), true);
      });
      model.on("change:step", stepped);
      model.on("change:selected", chosen);
      model.on("change:tape", replaced);
      model.on("msg:custom", told);
      host.dataset.ready = "true";
      return () => {
        model.off("change:step", stepped);
        model.off("change:selected", chosen);
        model.off("change:tape", replaced);
        model.off("msg:custom", told);
      };
    },
  };
}
