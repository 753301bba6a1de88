/**
 * Numbers as people type them: -2, 0.5, 1/2, -3*2, 2**3. Nothing is evaluated as code.
 */

/** The number a text stands for, NaN where it stands for none. @param {string} text */
export function typed(text) {
  const tokens = text.replace(/−/g, "-").replace(/[×·]/g, "*").match(/\d+\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?|inf|nan|\*\*|[-+*/()]|\S/gi) ?? [];
  let at = 0;
  const next = () => tokens[at];
  /** @returns {number} */
  const atom = () => {
    const token = tokens[at++];
    if (token === "(") {
      const inside = sum();
      return tokens[at++] === ")" ? inside : NaN;
    }
    if (token === "-") return -power();
    if (token === "+") return power();
    if (/^inf$/i.test(token ?? "")) return Infinity;
    return /^[\d.]/.test(token ?? "") ? Number(token) : NaN;
  };
  /** @returns {number} */
  const power = () => {
    const base = atom();
    if (next() !== "**") return base;
    at += 1;
    return base ** power();
  };
  const product = () => {
    let total = power();
    while (next() === "*" || next() === "/") total = tokens[at++] === "*" ? total * power() : total / power();
    return total;
  };
  const sum = () => {
    let total = product();
    while (next() === "+" || next() === "-") total = tokens[at++] === "+" ? total + product() : total - product();
    return total;
  };
  if (!tokens.length || tokens.length > 200) return NaN;
  const found = sum();
  return at === tokens.length ? found : NaN;
}

/** Whether an answer means a number: equal, or rounded to at least two digits. @param {string} text @param {number} truth */
export function means(text, truth) {
  const answer = typed(text);
  if (Number.isNaN(answer)) return false;
  if (Math.abs(answer - truth) <= 1e-6 * Math.abs(truth)) return true;
  const match = /^\s*[-−+]?\s*(\d*)\.?(\d*)\s*$/.exec(text);
  if (!match) return false;
  const digits = (match[1] + match[2]).replace(/^0+/, "").length;
  const decimals = match[2].length;
  return digits >= 2 && Math.abs(answer - truth) <= 0.5 * 10 ** -decimals * (1 + 1e-9);
}
