/** Colours as functions, so that text is made without knowing where it is printed. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  cyan(text: string): string;
}

export const plainStyle: Style = {
  bold: (text) => text,
  dim: (text) => text,
  red: (text) => text,
  green: (text) => text,
  yellow: (text) => text,
  cyan: (text) => text,
};

export type Paint = keyof Style;

/** A piece of a line with its colour. */
export interface Segment {
  text: string;
  paint?: Paint | undefined;
}

/**
 * One line that is safe to print: escape sequences and control characters are taken out, white space is one
 * space. For every text that came from outside (output of commands, notes of people, answers of services).
 */
export function clean(text: string): string {
  return text.replaceAll(ESCAPE_SEQUENCE, "").replaceAll(/\s+/g, " ").replaceAll(INVISIBLE, "").trim();
}

/** Columns that the text takes on a terminal. The text must be free of escape sequences. */
export function widthOf(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += graphemeWidth(segment);
  return width;
}

/** At most `width` columns; a cut is marked with …. */
export function truncate(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  return width < 1 ? "" : `${head(text, width - 1)}…`;
}

export function padTo(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - widthOf(text)));
}

/** Segments as one painted line of at most `width` columns. */
export function joinSegments(segments: readonly Segment[], width: number, style: Style): string {
  const total = segments.reduce((sum, { text }) => sum + widthOf(text), 0);
  let left = total > width ? width - 1 : width;
  let line = "";
  for (const { text, paint } of segments) {
    if (left <= 0) break;
    const shown = widthOf(text) <= left ? text : head(text, left);
    left -= widthOf(shown);
    line += paint === undefined || shown === "" ? shown : style[paint](shown);
    if (shown !== text) break;
  }
  return total > width ? `${line}…` : line;
}

/**
 * The text in lines of at most `width` columns, the first indented by `first`, the others by `rest`. Words
 * longer than a line are cut into pieces.
 */
export function wrap(text: string, width: number, first = "", rest = first): string[] {
  const room = Math.max(rest.length + 8, width);
  const lines: string[] = [];
  let indent = first;
  let line = "";
  const push = (content: string): void => {
    lines.push(indent + content);
    indent = rest;
  };
  for (const word of text.split(" ")) {
    const joined = line === "" ? word : `${line} ${word}`;
    if (widthOf(indent + joined) <= room) {
      line = joined;
      continue;
    }
    if (line !== "") push(line);
    line = word;
    while (widthOf(indent + line) > room) {
      const piece = head(line, room - widthOf(indent));
      push(piece);
      line = line.slice(piece.length);
    }
  }
  push(line);
  return lines;
}

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

// oxlint-disable-next-line no-control-regex -- these are what must not reach a terminal
const ESCAPE_SEQUENCE = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/g;
/** Control and format characters, among them those that turn the writing direction. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}]/gu;
/** East Asian wide and full-width blocks of Unicode's EastAsianWidth.txt, in large steps. */
const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|^[\u{20000}-\u{3fffd}]/u;

function graphemeWidth(grapheme: string): number {
  if (/^\p{Mark}+$/u.test(grapheme)) return 0;
  return WIDE.test(grapheme) || /^\p{Emoji_Presentation}|\ufe0f/u.test(grapheme) ? 2 : 1;
}

function head(text: string, width: number): string {
  let used = 0;
  let result = "";
  for (const { segment } of graphemes.segment(text)) {
    used += graphemeWidth(segment);
    if (used > width) break;
    result += segment;
  }
  return result;
}
