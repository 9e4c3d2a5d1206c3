import { CST, Lexer, Parser } from "yaml";
import { SourceText, type Position } from "./source-text.ts";

export const MAX_BYTES = 1024 * 1024;
export const MAX_DEPTH = 40;
/** Tokens of the file; a runbook of 1000 steps has about 60 000. */
const MAX_TOKENS = 200_000;
const MAX_ALIASES = 100;

/** Why a file is not even looked into. */
export interface Refusal {
  at: Position;
  message: string;
  hint: string;
}

/** What YAML does not allow as it is, and what makes a reader see another text than the machine does. */
const FORBIDDEN =
  // oxlint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]|\r(?!\n)|\p{Cs}/u;

/**
 * Bytes to text, or why not. A byte order mark of UTF-8 at the start is dropped. `legible` is what can be
 * shown of a refused file.
 */
export function decodeSource(bytes: Uint8Array): { text: string } | { refusal: Refusal; legible: string } {
  const start = { line: 1, column: 1 };
  if (bytes.length > MAX_BYTES) return { refusal: tooLarge(start), legible: "" };
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    return { refusal: { at: start, message: "the file is UTF-16", hint: "save it as UTF-8" }, legible: "" };
  }
  try {
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    // The decoder says only that there is a bad byte; the reader needs to know where.
    const lengthOfGood = validPrefixLength(bytes);
    const good = new TextDecoder("utf-8").decode(bytes.subarray(0, lengthOfGood));
    const byte = bytes[lengthOfGood]?.toString(16).padStart(2, "0") ?? "";
    return {
      legible: new TextDecoder("utf-8").decode(bytes),
      refusal: {
        at: new SourceText("", good).position(good.length),
        message: `byte 0x${byte} is not UTF-8`,
        hint: "save the file as UTF-8",
      },
    };
  }
}

/**
 * Checks size, characters, depth, tags, directives and the number of aliases while the text is cut into
 * tokens, so that nothing recursive ever sees a hostile file. The tokens are handed on to the composer.
 */
export function guardTokens(source: SourceText): { tokens: CST.Token[] } | { refusal: Refusal } {
  if (Buffer.byteLength(source.text) > MAX_BYTES) return { refusal: tooLarge({ line: 1, column: 1 }) };
  const forbidden = FORBIDDEN.exec(source.text);
  if (forbidden !== null) return { refusal: forbiddenCharacter(source, forbidden) };
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  const counts = { tokens: 0, aliases: 0 };
  for (const lexeme of new Lexer().lex(source.text)) {
    const at = parser.offset;
    for (const token of parser.next(lexeme)) tokens.push(token);
    const refusal = overLimit(parser, lexeme, counts);
    if (refusal !== undefined) return { refusal: { at: source.position(at), ...refusal } };
  }
  for (const token of parser.end()) tokens.push(token);
  return { tokens };
}

function overLimit(
  parser: Parser,
  lexeme: string,
  counts: { tokens: number; aliases: number },
): Omit<Refusal, "at"> | undefined {
  const type = CST.tokenType(lexeme);
  if (type === "alias") counts.aliases++;
  if (++counts.tokens > MAX_TOKENS) return { message: "the file has too many values", hint: "split it" };
  if (counts.aliases > MAX_ALIASES) {
    return { message: `there are more than ${MAX_ALIASES} aliases`, hint: "write the values out" };
  }
  if (depthOf(parser) > MAX_DEPTH) {
    return {
      message: `nesting is deeper than ${MAX_DEPTH} levels`,
      hint: "close what is open, or flatten it",
    };
  }
  return undefined;
}

/** The stack holds the document and the scalar being read besides the open collections. */
function depthOf({ stack }: Parser): number {
  if (stack.length <= MAX_DEPTH) return stack.length;
  return stack.filter(
    ({ type }) => type === "block-map" || type === "block-seq" || type === "flow-collection",
  ).length;
}

function forbiddenCharacter(source: SourceText, match: RegExpExecArray): Refusal {
  const code = match[0].codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0");
  return {
    at: source.position(match.index),
    message: `character U+${code} is not allowed`,
    hint: 'remove it, or write it as an escape in "double quotes"',
  };
}

function tooLarge(at: Position): Refusal {
  return {
    at,
    message: "the file is larger than 1 MiB",
    hint: "split it; a runbook names files, it does not hold them",
  };
}

/** Length of the longest prefix that is UTF-8. Streaming mode accepts a sequence cut at the end. */
function validPrefixLength(bytes: Uint8Array): number {
  let low = 0;
  let high = bytes.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (isValidPrefix(bytes.subarray(0, middle))) low = middle;
    else high = middle - 1;
  }
  return startOfCutSequence(bytes, low);
}

function isValidPrefix(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    // The answer itself: the decoder has no other way to say no.
    return false;
  }
}

/** A sequence that the end or a bad byte cuts short is bad from its first byte on. */
function startOfCutSequence(bytes: Uint8Array, length: number): number {
  for (let back = 1; back <= 3 && length - back >= 0; back++) {
    const byte = bytes[length - back]!;
    if (byte < 0x80) return length;
    if (byte < 0xc0) continue;
    const wanted = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return wanted > back ? length - back : length;
  }
  return length;
}
