import * as z from "zod";
import type { IssueParams } from "../../model/runbook.ts";

/** Which series of a metric are meant, as PromQL and OpenMetrics write it: name{label="x", other=~"y|z"}. */
export interface Selector {
  /** In the order written; the name is a matcher of __name__. */
  matchers: Matcher[];
}

export interface Matcher {
  label: string;
  operator: MatchOperator;
  value: string;
}

export type MatchOperator = "=" | "!=" | "=~" | "!~";

export interface SelectorProblem {
  /** Of the text, counted from 0. */
  offset: number;
  length: number;
  message: string;
  hint: string;
}

export type ParsedSelector = { selector: Selector } | { problem: SelectorProblem };

const NAME = "__name__";
const METRIC_NAME = /^[A-Za-z_:][A-Za-z0-9_:]*$/;
const LABEL_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** A name, a quoted text in one of the three kinds of quotes, an operator, or one other character. */
const TOKEN =
  /\s*(?:([A-Za-z_:][A-Za-z0-9_:]*)|("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)|(=~|!~|!=|=)|(\S))/y;
const ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  r: "\r",
  t: "\t",
  "\\": "\\",
  '"': '"',
  "'": "'",
};

/** Pure. The first problem when it is not a selector; functions, sums and ranges are none. */
export function parseSelector(text: string): ParsedSelector {
  try {
    return { selector: { matchers: readSelector(new Scanner(text)) } };
  } catch (error) {
    if (error instanceof Mistake) return { problem: error.problem };
    throw error;
  }
}

/** A selector as a setting: a mistake in it is shown at its place. */
export const selectorSchema = z
  .string()
  .max(5000)
  .superRefine((text, context) => {
    const parsed = parseSelector(text);
    if ("selector" in parsed) return;
    const { offset, length, message, hint } = parsed.problem;
    context.addIssue({
      code: "custom",
      message,
      params: { hint, offset, length } satisfies IssueParams,
    });
  });

/** The selector of a text that selectorSchema let through. */
export function selectorOf(text: string): Selector {
  const parsed = parseSelector(text);
  if ("problem" in parsed) throw new TypeError(`${parsed.problem.message}: ${text}`);
  return parsed.selector;
}

/** As PromQL. */
export function printSelector({ matchers }: Selector): string {
  const named = matchers.find(({ label, operator }) => label === NAME && operator === "=");
  const name = named !== undefined && METRIC_NAME.test(named.value) ? named : undefined;
  const others = matchers
    .filter((matcher) => matcher !== name)
    .map(({ label, operator, value }) => `${printLabel(label)}${operator}${printString(value)}`);
  return `${name?.value ?? ""}${others.length === 0 ? "" : `{${others.join(", ")}}`}`;
}

/** With {release} filled in; where a pattern is matched, the release stands for itself. */
export function fillRelease({ matchers }: Selector, release: string): Selector {
  return {
    matchers: matchers.map((matcher) => {
      const isPattern = matcher.operator.endsWith("~");
      const value = matcher.value.replaceAll("{release}", () =>
        isPattern ? literalPattern(release) : release,
      );
      return { ...matcher, value };
    }),
  };
}

/** Without what names the release. */
export function withoutRelease({ matchers }: Selector): Selector {
  return { matchers: matchers.filter(({ value }) => !value.includes("{release}")) };
}

/** The metric alone, all its series. */
export function nameOnly({ matchers }: Selector): Selector {
  return { matchers: matchers.filter(({ label }) => label === NAME) };
}

export function namesRelease({ matchers }: Selector): boolean {
  return matchers.some(({ value }) => value.includes("{release}"));
}

/** The metric's name, when it is one and not a pattern. */
export function nameOf({ matchers }: Selector): string | undefined {
  return matchers.find(({ label, operator }) => label === NAME && operator === "=")?.value;
}

/** A text as PromQL writes one. */
export function printString(value: string): string {
  return JSON.stringify(value).replaceAll("\u007f", "\\u007f");
}

/** A pattern of RE2 that matches this text alone. */
export function literalPattern(text: string): string {
  return text.replaceAll(/[\\.+*?()|[\]{}^$]/g, "\\$&");
}

function printLabel(label: string): string {
  return LABEL_NAME.test(label) ? label : printString(label);
}

function readSelector(scanner: Scanner): Matcher[] {
  const matchers: Matcher[] = [];
  const name = scanner.next();
  if (name.kind === "name") {
    matchers.push({ label: NAME, operator: "=", value: name.text });
    scanner.take();
  }
  if (name.kind === "name" && scanner.next().kind === "end") return matchers;
  scanner.expect("{", name.kind === "name" ? "the end, or {" : "the name of a metric");
  while (scanner.next().text !== "}") {
    matchers.push(readMatcher(scanner));
    if (scanner.next().text !== ",") break;
    scanner.take();
  }
  scanner.expect("}", "} or ,");
  const rest = scanner.next();
  if (rest.kind !== "end") throw scanner.mistake("something follows the selector");
  if (
    !matchers.some(({ label, operator, value }) => label === NAME && operator.startsWith("=") && value !== "")
  )
    throw scanner.mistake("it names no metric");
  return matchers;
}

/** label="x"; a quoted text without an operator is the metric's name. */
function readMatcher(scanner: Scanner): Matcher {
  const label = scanner.take();
  if (label.kind !== "name" && label.kind !== "string")
    throw scanner.mistake("expected the name of a label", label);
  const named = label.kind === "string" ? scanner.unquote(label) : label.text;
  if (label.kind === "string" && [",", "}"].includes(scanner.next().text))
    return { label: NAME, operator: "=", value: named };
  const operator = scanner.take();
  if (operator.kind !== "operator") throw scanner.mistake("expected =, !=, =~ or !~", operator);
  const value = scanner.take();
  if (value.kind !== "string") throw scanner.mistake("expected a value in quotes", value);
  return { label: named, operator: operator.text as MatchOperator, value: scanner.unquote(value) };
}

interface Token {
  kind: "name" | "string" | "operator" | "other" | "end";
  text: string;
  offset: number;
}

class Scanner {
  readonly #text: string;
  #offset = 0;

  constructor(text: string) {
    this.#text = text;
  }

  next(): Token {
    TOKEN.lastIndex = this.#offset;
    const match = TOKEN.exec(this.#text);
    if (match === null) return { kind: "end", text: "", offset: this.#text.trimEnd().length };
    const [whole, name, string, operator] = match;
    const text = whole.trimStart();
    const kind =
      name !== undefined
        ? "name"
        : string !== undefined
          ? "string"
          : operator !== undefined
            ? "operator"
            : "other";
    return { kind, text, offset: this.#offset + whole.length - text.length };
  }

  take(): Token {
    const token = this.next();
    this.#offset = token.offset + token.text.length;
    return token;
  }

  expect(text: string, what: string): void {
    const token = this.take();
    if (token.text !== text) throw this.mistake(`expected ${what}`, token);
  }

  unquote(token: Token): string {
    const inner = token.text.slice(1, -1);
    if (token.text.startsWith("`")) return inner;
    return inner.replaceAll(/\\(.)/g, (escape, character: string) => {
      const meant = ESCAPES[character];
      if (meant === undefined) throw this.mistake(`${escape} is not known in a quoted text`, token);
      return meant;
    });
  }

  mistake(message: string, { offset, text } = this.next()): Mistake {
    const hint = 'write http_requests_total{status=~"5..", release="{release}"}: one metric, no functions';
    return new Mistake({ offset, length: text.length, message, hint });
  }
}

class Mistake extends Error {
  readonly problem: SelectorProblem;

  constructor(problem: SelectorProblem) {
    super(problem.message);
    this.problem = problem;
  }
}
