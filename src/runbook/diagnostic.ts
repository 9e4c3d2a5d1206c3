import { shorten, SourceText, type Position } from "./source-text.ts";

/** One mistake in a runbook file. */
export interface Diagnostic {
  file: string;
  /** From 1, inside the file. */
  line: number;
  /** From 1; at most one past the end of the line. */
  column: number;
  /** Where in the document: "stages[0].steps[1].with.rules[0].above"; empty for the file as a whole. */
  path: string;
  message: string;
  /** What to do; empty when the message says it. */
  hint: string;
  /** The line with carets below what is wrong, two lines of text. Values that may be secrets are masked. */
  excerpt: string;
}

export type Path = readonly (string | number)[];

/** More than this many mistakes are counted, not listed. */
export const MAX_DIAGNOSTICS = 100;

/** How many are kept before the list is sorted; bounds the memory that a hostile file can use. */
const MAX_KEPT = 10_000;

/** A mistake before it is bound to its file. */
export interface Mistake {
  at: Position;
  /** How long what is wrong is; 1 when left out. */
  length?: number;
  path: Path;
  message: string;
  hint?: string;
  /** Column from which on the line is not shown, because a secret may stand there. */
  maskFrom?: number | undefined;
}

/** The column behind a key that stands at a place: nobody knows what its value is. */
export function afterKey(at: Position, path: Path): number {
  return at.column + String(path.at(-1) ?? "").length + 2;
}

/** Collects mistakes, each once. */
export class Mistakes {
  readonly #kept = new Map<string, Mistake>();
  #dropped = 0;

  add(mistake: Mistake): void {
    const key = `${mistake.at.line}:${mistake.at.column}:${mistake.message}`;
    if (this.#kept.has(key)) return;
    if (this.#kept.size < MAX_KEPT) this.#kept.set(key, mistake);
    else this.#dropped++;
  }

  get count(): number {
    return this.#kept.size + this.#dropped;
  }

  /** In the order of the file; at most MAX_DIAGNOSTICS, `omitted` says how many more there are. */
  list(source: SourceText): { diagnostics: Diagnostic[]; omitted: number } {
    const sorted = [...this.#kept.values()].sort(
      (a, b) =>
        a.at.line - b.at.line ||
        a.at.column - b.at.column ||
        formatPath(a.path).localeCompare(formatPath(b.path)),
    );
    const listed = sorted.slice(0, MAX_DIAGNOSTICS);
    const masks = new Map<number, number>();
    for (const { at, maskFrom } of sorted) {
      if (maskFrom !== undefined) masks.set(at.line, Math.min(maskFrom, masks.get(at.line) ?? maskFrom));
    }
    const diagnostics = listed.map((item) => toDiagnostic(item, source, masks.get(item.at.line) ?? Infinity));
    return { diagnostics, omitted: this.count - listed.length };
  }
}

/** One line: "tminus.yaml:7:5  environments.production.aprovals  unknown key  did you mean "approvals"?". */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const { file, line, column, path, message, hint } = diagnostic;
  return [`${file}:${line}:${column}`, path, message, hint].filter((part) => part !== "").join("  ");
}

/** The same with the excerpt below, indented. */
export function formatDiagnosticWithExcerpt(diagnostic: Diagnostic): string {
  const excerpt = diagnostic.excerpt.split("\n").map((line) => `    ${line}`);
  return [formatDiagnostic(diagnostic), ...excerpt].join("\n");
}

/** ["stages", 0, "id"] as "stages[0].id"; keys that are not plain words are quoted. */
export function formatPath(path: Path): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else if (/^[A-Za-z_][\w-]*$/.test(part) && part.length <= 64) text += text === "" ? part : `.${part}`;
    else text += `[${JSON.stringify(shorten(part))}]`;
  }
  return text;
}

function toDiagnostic(mistake: Mistake, source: SourceText, maskFrom: number): Diagnostic {
  const { line, column } = mistake.at;
  return {
    file: source.file,
    line,
    column,
    path: formatPath(mistake.path),
    message: mistake.message,
    hint: mistake.hint ?? "",
    excerpt: source.excerpt(mistake.at, maskFrom, mistake.length),
  };
}
