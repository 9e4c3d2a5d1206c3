/** How much a JSON text may hold before it is parsed. */
export interface JsonLimits {
  /** Arrays and objects in each other. */
  depth: number;
  /** Array elements, properties, arrays and objects together. */
  values: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const LETTER_U = 0x75;
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);

/**
 * Why the text is not even parsed, as a sentence part; undefined when it may be. A parsed value takes many times the memory of
 * its text, and code that walks through one has a stack that ends. Escapes of U+0000 and of half a surrogate pair are refused
 * because Postgres stores neither as it is. What is no JSON is left to the parser.
 */
export function jsonProblem(text: string, limits: JsonLimits): string | undefined {
  let depth = 0;
  let values = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const read = readText(text, at + 1);
      if (read.problem !== undefined) return read.problem;
      at = read.end;
    } else if (OPENING.has(code)) {
      values++;
      if (++depth > limits.depth) return `its values are more than ${limits.depth} deep in each other`;
    } else if (CLOSING.has(code)) depth--;
    else if (code === COMMA) values++;
    if (values > limits.values) return `it has more than ${limits.values} values`;
  }
  return undefined;
}

/** From behind the opening quote to the closing one, or to the end of the text. */
function readText(text: string, start: number): { end: number; problem?: string } {
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return { end: at };
    if (code !== BACKSLASH) continue;
    at++;
    if (text.charCodeAt(at) !== LETTER_U) continue;
    const unit = Number.parseInt(text.slice(at + 1, at + 5), 16);
    if (unit === 0) return { end: at, problem: "a text in it holds U+0000" };
    const isHigh = unit >= 0xd800 && unit < 0xdc00;
    if (isHigh && /^\\u[dD][c-fC-F]/.test(text.slice(at + 5, at + 9))) at += 6;
    else if (unit >= 0xd800 && unit < 0xe000)
      return { end: at, problem: "a text in it holds half a surrogate pair" };
  }
  return { end: text.length };
}
