import js from "@eslint/js";

const browser = [
  "Blob", "CSSStyleSheet", "DecompressionStream", "Image", "Response", "ResizeObserver", "TextDecoder", "URL", "Worker", "XMLSerializer",
  "addEventListener", "atob", "clearTimeout", "document", "getComputedStyle", "history", "location",
  "navigator", "requestAnimationFrame", "self", "setTimeout", "window", "Element", "SVGElement",
];

export default [
  js.configs.recommended,
  {
    languageOptions: {
      ecmaVersion: 2022,
      sourceType: "module",
      globals: Object.fromEntries(browser.map((name) => [name, "readonly"])),
    },
    rules: {
      "eqeqeq": "error",
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-new-func": "error",
      "no-restricted-properties": [
        "error",
        { property: "innerHTML", message: "Text is text: use h() and s()." },
        { property: "outerHTML", message: "Text is text: use h() and s()." },
        { property: "insertAdjacentHTML", message: "Text is text: use h() and s()." },
      ],
      "no-restricted-globals": ["error", "fetch", "XMLHttpRequest", "WebSocket"],
      "no-shadow": "error",
      "no-var": "error",
      "prefer-const": ["error", { destructuring: "all" }],
    },
  },
];
