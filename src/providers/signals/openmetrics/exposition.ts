/**
 * The two text formats in which applications expose metrics: Prometheus' own and OpenMetrics 1.0.
 * https://prometheus.io/docs/instrumenting/exposition_formats/ https://prometheus.io/docs/specs/om/open_metrics_spec/
 */
export type ExpositionFormat = "prometheus" | "openmetrics";

export interface Exposition {
  /** Of several points of one series the last one. */
  samples: ExposedSample[];
  /** Name of a metric family → its type, as far as it is said. */
  types: ReadonlyMap<string, string>;
}

export interface ExposedSample {
  /** With the name as __name__. */
  labels: Readonly<Record<string, string>>;
  /** NaN and infinite as they come. */
  value: number;
  /** When the text names a time. */
  atMs?: number;
}

export type ParsedExposition =
  | { ok: true; exposition: Exposition }
  /** A sentence part that begins with the line's number. */
  | { ok: false; problem: string };

const NAME = "[A-Za-z_:][A-Za-z0-9_:]*";
const SAMPLE_NAME = new RegExp(`[ \\t]*(${NAME})`, "y");
const LABELS_START = /[ \t]*\{/y;
const LABEL = /[ \t]*([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*"((?:[^"\\]|\\[^])*)"[ \t]*(,|(?=\}))/y;
const LABELS_END = /[ \t]*\}/y;
/** A value, or a time behind it. */
const WORD = /[ \t]+([^\s#]+)/y;
const EXEMPLAR = /[ \t]+#[ \t]+\{/y;
const REAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i;
const INFINITE = /^([+-]?)inf(?:inity)?$/i;
const DESCRIPTION = new RegExp(`^#[ \\t]+(TYPE|HELP|UNIT)[ \\t]+(${NAME})(?:[ \\t]+(.*))?$`);

/** Of a Content-Type; without one, Prometheus' own. */
export function formatOf(contentType: string | undefined): ExpositionFormat {
  return contentType?.startsWith("application/openmetrics-text") === true ? "openmetrics" : "prometheus";
}

/** Pure. A text that is invalid anywhere, or cut off, is no exposition at all. */
export function parseExposition(text: string, format: ExpositionFormat): ParsedExposition {
  const lines = text.split("\n");
  const types = new Map<string, string>();
  const samples = new Map<string, ExposedSample>();
  const end = format === "openmetrics" ? lines.indexOf("# EOF") : lines.length - 1;
  const rest = lines.slice(format === "openmetrics" ? end + 1 : end).join("\n");
  if (end < 0 || rest !== "") return { ok: false, problem: cutOff(format, end, lines.length) };
  for (const [index, line] of lines.slice(0, end).entries()) {
    const problem = /^[ \t]*#/.test(line)
      ? readDescription(line.trimStart(), types, format)
      : line.trim() === "" && format === "prometheus"
        ? undefined
        : readSample(line, samples, format);
    if (problem !== undefined) return { ok: false, problem: `line ${index + 1} ${problem}` };
  }
  return { ok: true, exposition: { samples: [...samples.values()], types } };
}

/** The type of the family that a sample's name belongs to; undefined when it is not said. */
export function typeOf({ types }: Exposition, name: string): string | undefined {
  return (
    types.get(name) ?? types.get(name.replace(/_(total|bucket|count|sum|created|gcount|gsum|info)$/, ""))
  );
}

function cutOff(format: ExpositionFormat, end: number, lines: number): string {
  if (format === "prometheus") return `line ${lines} is cut off`;
  return end < 0
    ? `line ${lines} is not "# EOF", so that the end is missing`
    : `line ${end + 2} follows "# EOF"`;
}

/** Why the line is wrong. In Prometheus' own format, what is no description is a comment. */
function readDescription(
  line: string,
  types: Map<string, string>,
  format: ExpositionFormat,
): string | undefined {
  const match = DESCRIPTION.exec(line);
  if (match === null) return format === "openmetrics" ? "is neither a description nor a sample" : undefined;
  const [, what, name, text = ""] = match;
  if (what !== "TYPE") return undefined;
  if (types.has(name!)) return `is a second TYPE of ${name}`;
  types.set(name!, text.trim());
  return undefined;
}

function readSample(
  line: string,
  samples: Map<string, ExposedSample>,
  format: ExpositionFormat,
): string | undefined {
  const cursor = new Cursor(line);
  const name = cursor.take(SAMPLE_NAME)?.[1];
  if (name === undefined) return "does not begin with the name of a metric";
  const labels: Record<string, string> = { __name__: name };
  const problem = cursor.take(LABELS_START) === undefined ? undefined : readLabels(cursor, labels);
  if (problem !== undefined) return problem;
  const value = cursor.take(WORD)?.[1] ?? "";
  const number = numberOf(value);
  if (number === undefined) return value === "" ? "has no value" : "has a value that is no number";
  const time = cursor.take(WORD)?.[1];
  const atMs = time === undefined ? undefined : timeOf(time, format);
  if (time !== undefined && atMs === undefined) return "has a time that is none";
  if (format === "openmetrics" && !readExemplar(cursor)) return "has an exemplar that is none";
  if (!cursor.isAtEnd()) return "goes on after its value";
  return keep(samples, { labels, value: number, ...(atMs === undefined ? {} : { atMs }) });
}

/** Up to and with the closing brace. */
function readLabels(cursor: Cursor, labels: Record<string, string>): string | undefined {
  for (let match = cursor.take(LABEL); match !== undefined; match = cursor.take(LABEL)) {
    const [, label, quoted] = match;
    if (Object.hasOwn(labels, label!)) return `has the label ${label} twice`;
    labels[label!] = quoted!.replaceAll(/\\([n"\\])/g, (_escape, meant: string) =>
      meant === "n" ? "\n" : meant,
    );
  }
  return cursor.take(LABELS_END) === undefined ? "has labels that are none" : undefined;
}

/** Reads over it: it says nothing about the metric. True when there is none. */
function readExemplar(cursor: Cursor): boolean {
  if (cursor.take(EXEMPLAR) === undefined) return true;
  if (readLabels(cursor, {}) !== undefined) return false;
  const value = cursor.take(WORD)?.[1];
  const time = cursor.take(WORD)?.[1];
  return numberOf(value ?? "") !== undefined && (time === undefined || REAL.test(time));
}

/** Twice the same series at the same time would be counted twice. */
function keep(samples: Map<string, ExposedSample>, sample: ExposedSample): string | undefined {
  const key = JSON.stringify(Object.entries(sample.labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  const before = samples.get(key);
  if (before !== undefined && before.atMs === sample.atMs) return "is of a series that was there before";
  samples.set(key, sample);
  return undefined;
}

function numberOf(text: string): number | undefined {
  if (REAL.test(text)) return Number(text);
  if (/^nan$/i.test(text)) return NaN;
  const infinite = INFINITE.exec(text);
  return infinite === null ? undefined : infinite[1] === "-" ? -Infinity : Infinity;
}

/** Milliseconds in Prometheus' own format, seconds in OpenMetrics. */
function timeOf(text: string, format: ExpositionFormat): number | undefined {
  if (format === "prometheus") return /^-?\d+$/.test(text) ? Number(text) : undefined;
  return REAL.test(text) ? Math.round(Number(text) * 1000) : undefined;
}

class Cursor {
  readonly #line: string;
  #offset = 0;

  constructor(line: string) {
    this.#line = line;
  }

  take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#offset;
    const match = pattern.exec(this.#line);
    if (match === null) return undefined;
    this.#offset += match[0].length;
    return match;
  }

  isAtEnd(): boolean {
    return this.#line.slice(this.#offset).trim() === "";
  }
}
