/** A place in a text, both from 1. Columns count UTF-16 units, as editors do. */
export interface Position {
  line: number;
  column: number;
}

const MAX_WIDTH = 100;

const SECRET_VALUE =
  /((?:secret|passw|token|credential|key|dsn)[\w-]{0,40}["']?\s{0,10}:\s{0,10}["']?)(?!env:|file:|["'\s]|https?:)([^"',}\]\s]{1,500})/gi;

/** A text with its lines: offsets to positions, and excerpts for people. */
export class SourceText {
  readonly file: string;
  readonly text: string;
  readonly #starts: number[] = [0];
  /** Masked lines: a long one may be shown a hundred times. */
  readonly #lines = new Map<number, string>();

  constructor(file: string, text: string) {
    this.file = file;
    this.text = text;
    for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) this.#starts.push(at + 1);
  }

  /** The position of an offset; offsets outside the text give its nearest end. */
  position(offset: number): Position {
    const inside = Math.min(Math.max(offset, 0), this.text.length);
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#starts[middle]! <= inside) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: inside - this.#starts[low]! + 1 };
  }

  /**
   * The line with carets under `length` columns. A long line is cut around it. Passwords in addresses and
   * values of keys that sound secret are masked, and so is everything from `maskFrom` on, a column.
   */
  excerpt(at: Position, maskFrom: number, length = 1): string {
    const line = this.#line(at.line);
    const column = Math.min(at.column, maskFrom);
    const start = Math.max(0, column - 1 - MAX_WIDTH / 2);
    const before = printable(line.slice(start, column - 1));
    const after = printable(line.slice(column - 1, Math.min(start + MAX_WIDTH, maskFrom - 1)));
    const hidden = maskFrom <= line.length ? "***" : "";
    const number = String(at.line);
    const shown = before + after + hidden;
    const carets = "^".repeat(Math.max(1, Math.min(length, after.length)));
    return `${number} | ${shown}\n${" ".repeat(number.length)} | ${" ".repeat(before.length)}${carets}`;
  }

  #line(number: number): string {
    const known = this.#lines.get(number);
    if (known !== undefined) return known;
    const start = this.#starts[number - 1] ?? this.text.length;
    const end = this.#starts[number] ?? this.text.length + 1;
    const line = maskSecrets(this.text.slice(start, end - 1).replace(/\r$/, ""));
    this.#lines.set(number, line);
    return line;
  }
}

/** Same length as before, so that columns stay. References and addresses are no secrets. */
function maskSecrets(line: string): string {
  const stars = (_: string, before: string, secret: string): string => before + "*".repeat(secret.length);
  return line
    .replaceAll(/(:\/\/[^\s:/@]{0,100}:)([^\s@]{1,500})(?=@)/g, stars)
    .replaceAll(SECRET_VALUE, stars);
}

/** Text of unknown origin made safe to print on one line of a terminal. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) =>
    character === "\t" ? " " : "�",
  );
}

/** A word of unknown origin for use in a message: short and printable. */
export function shorten(text: string, limit = 40): string {
  return printable(text.length > limit ? `${text.slice(0, limit)}…` : text);
}
