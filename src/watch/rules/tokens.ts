/** A word of a rule, with its place. */
export interface Token {
  kind: "name" | "duration" | "number" | "sign" | "end";
  text: string;
  /** Counted from 0. */
  offset: number;
}

const SIGNS = ["->", ">=", "<=", ">", "<", "+", "*", "(", ")", ":", ",", "%"];
const DURATION = /(?:\d+(?:ms|[smhd]))+(?![\w.])/y;
const NUMBER = /\d+(?:\.\d+)?/y;
/** With hyphens inside: "same-hours", "fail-gate". */
const NAME = /[A-Za-z_]\w*(?:-[A-Za-z0-9]\w*)*/y;
const SPACE = /\s*/y;

/** The words of a text, an end token last. A character that belongs to none is a sign of its own. */
export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let offset = skip(text, 0);
  while (offset < text.length) {
    const token = tokenAt(text, offset);
    tokens.push(token);
    offset = skip(text, offset + token.text.length);
  }
  tokens.push({ kind: "end", text: "", offset: text.length });
  return tokens;
}

function tokenAt(text: string, offset: number): Token {
  for (const [kind, pattern] of [
    ["duration", DURATION],
    ["number", NUMBER],
    ["name", NAME],
  ] as const) {
    const found = matchAt(pattern, text, offset);
    if (found !== "") return { kind, text: found, offset };
  }
  const sign = SIGNS.find((one) => text.startsWith(one, offset));
  const [character = ""] = text.slice(offset);
  return { kind: "sign", text: sign ?? character, offset };
}

function skip(text: string, offset: number): number {
  return offset + matchAt(SPACE, text, offset).length;
}

function matchAt(pattern: RegExp, text: string, offset: number): string {
  pattern.lastIndex = offset;
  return pattern.exec(text)?.[0] ?? "";
}
