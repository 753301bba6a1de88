/** Written by rules.py from the table of primitives. */
import type { Rule } from "./engine.js";
export const rules: Rule[];
