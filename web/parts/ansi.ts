/** A piece of output with its looks, by the SGR sequences of ECMA-48; colours are indices of the 256 of xterm. */
export interface AnsiSpan {
  text: string;
  colour?: number;
  ground?: number;
  isBold?: true;
  isDim?: true;
  isItalic?: true;
  isUnderlined?: true;
  isStruck?: true;
}

type Looks = Omit<AnsiSpan, "text">;

/** More spans than these are not made: the rest is one without looks. */
const MAX_SPANS = 20_000;

/**
 * Output in spans. Sequences that are not about looks, also cut ones, and control characters but tabs and line feeds are left
 * out, and so are characters that turn the direction of writing. Nothing of it is ever read as markup.
 */
export function ansiSpans(output: string): AnsiSpan[] {
  const spans: AnsiSpan[] = [];
  let looks: Looks = {};
  let from = 0;
  const add = (raw: string): void => {
    const text = raw.replaceAll(/\r\n?/g, "\n").replaceAll(INVISIBLE, "");
    if (text !== "") spans.push({ text, ...looks });
  };
  for (const match of output.matchAll(SEQUENCE)) {
    add(output.slice(from, match.index));
    from = match.index + match[0].length;
    if (spans.length >= MAX_SPANS) looks = {};
    else if (match[1] !== undefined) looks = changed(looks, match[1]);
    if (spans.length >= MAX_SPANS) break;
  }
  add(spans.length >= MAX_SPANS ? output.slice(from).replaceAll(SEQUENCE, "") : output.slice(from));
  return spans;
}

/** Group 1: the numbers of a sequence about looks. Others: control strings, other sequences, those that were cut. */
const SEQUENCE =
  // oxlint-disable-next-line no-control-regex -- these are what must not reach the page
  /\u001b\[([\d;:]*)m|\u001b\[[0-?]*[ -/]*[@-~]?|\u001b[\]PX^_][^\u0007\u001b]*(?:\u0007|\u001b\\)?|\u001b[ -/]*[0-~]?/g;
/** But tab and line feed. */
const INVISIBLE = /(?![\t\n])[\p{Cc}\p{Cf}\p{Co}\p{Cs}]/gu;

function changed(before: Looks, parameters: string): Looks {
  const codes = parameters.split(/[;:]/).map(Number);
  const looks: Looks = { ...before };
  for (let at = 0; at < codes.length; at++) {
    const code = codes[at]!;
    if (code === 38 || code === 48) {
      const [colour, used] = extended(codes, at);
      at += used;
      if (colour !== undefined) looks[code === 38 ? "colour" : "ground"] = colour;
    } else apply(looks, code);
  }
  return looks;
}

function apply(looks: Looks, code: number): void {
  if (code === 0) for (const key of Object.keys(looks)) delete looks[key as keyof Looks];
  else if (code === 1) looks.isBold = true;
  else if (code === 2) looks.isDim = true;
  else if (code === 3) looks.isItalic = true;
  else if (code === 4) looks.isUnderlined = true;
  else if (code === 9) looks.isStruck = true;
  else if (code === 22) {
    delete looks.isBold;
    delete looks.isDim;
  } else if (code === 23) delete looks.isItalic;
  else if (code === 24) delete looks.isUnderlined;
  else if (code === 29) delete looks.isStruck;
  else if (code >= 30 && code <= 37) looks.colour = code - 30;
  else if (code === 39) delete looks.colour;
  else if (code >= 40 && code <= 47) looks.ground = code - 40;
  else if (code === 49) delete looks.ground;
  else if (code >= 90 && code <= 97) looks.colour = code - 82;
  else if (code >= 100 && code <= 107) looks.ground = code - 92;
}

/** The colour of "38;5;n" or "38;2;r;g;b", and how many numbers it took. */
function extended(codes: readonly number[], at: number): [colour: number | undefined, used: number] {
  if (codes[at + 1] === 5) {
    const index = codes[at + 2];
    return [index !== undefined && index >= 0 && index <= 255 ? index : undefined, 2];
  }
  if (codes[at + 1] !== 2) return [undefined, 0];
  const [red = 0, green = 0, blue = 0] = codes.slice(at + 2, at + 5).map(toStep);
  return [16 + 36 * red + 6 * green + blue, 4];
}

/** The nearest step of xterm's colour cube. */
function toStep(part: number): number {
  return Math.min(5, Math.max(0, Math.round((part / 255) * 5)));
}
