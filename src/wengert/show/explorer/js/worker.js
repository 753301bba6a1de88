/**
 * Layout away from the page's own thread, where that can be had.
 */
import { place } from "./place.js";

/** @typedef {import("./place.js").Scene} Scene */
/** @typedef {import("./place.js").Picture} Picture */

const FEW = 200; // cells that are laid out at once: starting a worker takes longer

/** In a worker: answer with pictures. */
export function serve() {
  self.onmessage = (event) => {
    const { number, scene } = event.data;
    self.postMessage({ number, picture: place(scene) });
  };
}

/** Who lays out pictures. */
export class Placing {
  /** @param {string} source of a worker that serves */
  constructor(source) {
    this.source = source;
    this.number = 0;
    /** @type {Worker | null} */
    this.worker = null;
    this.broken = false;
  }

  /** @param {Scene} scene @returns {Promise<Picture>} */
  async place(scene) {
    this.number += 1;
    if (scene.cells.length <= FEW || this.broken) return place(scene);
    try {
      return await this.#elsewhere(scene);
    } catch {
      this.broken = true;
      return place(scene);
    }
  }

  /** @param {Scene} scene @returns {Promise<Picture>} */
  #elsewhere(scene) {
    if (!this.worker) {
      const url = URL.createObjectURL(new Blob([this.source], { type: "text/javascript" }));
      this.worker = new Worker(url);
    }
    const { worker, number } = this;
    return new Promise((resolve, reject) => {
      /** @param {MessageEvent} event */
      const receive = (event) => {
        if (event.data.number !== number) return;
        worker.removeEventListener("message", receive);
        resolve(event.data.picture);
      };
      worker.addEventListener("message", receive);
      worker.addEventListener("error", reject, { once: true });
      worker.postMessage({ number, scene });
    });
  }
}
