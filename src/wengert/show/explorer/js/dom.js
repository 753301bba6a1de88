/**
 * Making elements: text is always text, so nothing that a label says can become markup.
 */

const SVG = "http://www.w3.org/2000/svg";

/** @typedef {Node | string | null | undefined | false} Child */

/**
 * An HTML element. Attributes that start with "on" are listeners; false leaves one out.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag @param {Record<string, any>} [attributes] @param {...Child} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  dress(element, attributes);
  for (const child of children) if (child) element.append(child);
  return element;
}

/**
 * An SVG element.
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} tag @param {Record<string, any>} [attributes] @param {...Child} children
 * @returns {SVGElementTagNameMap[K]}
 */
export function s(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  dress(element, attributes);
  for (const child of children) if (child) element.append(child);
  return element;
}

/** @param {Element} element @param {Record<string, any>} attributes */
function dress(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined) element.setAttribute(name, String(value));
  }
}

/** A labelled button. @param {string} label @param {() => void} does @param {Record<string, any>} [attributes] */
export function button(label, does, attributes = {}) {
  return h("button", { type: "button", onclick: does, ...attributes }, label);
}

/** The element that has the focus, in a shadow tree too. @param {Element} near @returns {HTMLElement | null} */
export function focused(near) {
  return /** @type {any} */ (near.getRootNode()).activeElement ?? null;
}

/** Write something anew; what had the focus in it keeps it, or else what stands there now. @param {Element} host @param {() => void} does */
export function keepingFocus(host, does) {
  const active = focused(host);
  const all = () => /** @type {HTMLElement[]} */ ([...host.querySelectorAll("button, input, select, textarea, [tabindex]")]);
  const at = active ? all().indexOf(active) : -1;
  does();
  if (active && at >= 0 && focused(host) !== active) (active.isConnected ? active : all()[at])?.focus({ preventScroll: true });
}

/** Offer a file for download. @param {string} name @param {Blob} blob */
export function download(name, blob) {
  const link = h("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
