import { scanSql, type SqlToken } from "./scan-sql.ts";

/** One SQL statement of a file. */
export interface Statement {
  /** As written, from its first word on, without the semicolon. */
  text: string;
  /** Line of its first word, counted from 1. */
  line: number;
  /** Column of its first word, counted from 1. */
  column: number;
  /** For inspection: comments gone, contents of strings and function bodies blanked, runs of space as one. */
  code: string;
}

export interface StatementList {
  statements: Statement[];
  /** Why the text could not be split, or holds something that only psql understands. */
  problem?: { line: number; column: number; text: string };
}

/** Splits SQL at the semicolons that end statements. `firstLine` is the line at which the text begins in its file. */
export function splitStatements(sql: string, firstLine = 1): StatementList {
  const { tokens, unclosed } = scanSql(sql);
  const at = placesIn(sql, firstLine);
  if (unclosed !== undefined) {
    return {
      statements: [],
      problem: { ...at(unclosed.start), text: `${unclosed.what} is never closed` },
    };
  }
  const meta = tokens.find((token) => token.kind === "symbol" && token.text === "\\");
  if (meta !== undefined) {
    return {
      statements: [],
      problem: { ...at(meta.start), text: "a backslash command belongs to psql, not to SQL" },
    };
  }
  const statements = cut(tokens).map((part): Statement => ({
    text: part.map(({ text }) => text).join(""),
    ...at(part[0]!.start),
    code: codeOf(part),
  }));
  return { statements };
}

/**
 * Line and column, both counted from 1, of places in a text: for many places in one text, which is read once.
 * `firstLine` is the line at which the text begins in its file.
 */
export function placesIn(text: string, firstLine = 1): (index: number) => { line: number; column: number } {
  let starts: number[] | undefined;
  return (index) => {
    starts ??= lineStarts(text);
    let line = 0;
    for (let high = starts.length; high - line > 1;) {
      const middle = (line + high) >> 1;
      if (starts[middle]! <= index) line = middle;
      else high = middle;
    }
    return { line: firstLine + line, column: index - starts[line]! + 1 };
  };
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}

/** How many line ends stand before `index`. */
export function countLines(text: string, index: number): number {
  let lines = 0;
  for (let at = text.indexOf("\n"); at !== -1 && at < index; at = text.indexOf("\n", at + 1)) lines++;
  return lines;
}

function cut(tokens: readonly SqlToken[]): SqlToken[][] {
  const parts: SqlToken[][] = [];
  let part: SqlToken[] = [];
  let nesting = newNesting();
  const finish = (): void => {
    const last = part.findLastIndex(isCode);
    if (last !== -1) parts.push(part.slice(0, last + 1));
    part = [];
    nesting = newNesting();
  };
  for (const token of tokens) {
    if (part.length === 0 && !isCode(token)) continue;
    if (token.text === ";" && nesting.isTop()) finish();
    else {
      part.push(token);
      nesting.see(token);
    }
  }
  finish();
  return parts;
}

/**
 * Semicolons inside parentheses (rules) and inside BEGIN ATOMIC … END of an SQL function end no statement.
 * CASE … END nests within such a body.
 */
function newNesting(): { see(token: SqlToken): void; isTop(): boolean } {
  let parentheses = 0;
  let blocks = 0;
  let last = "";
  const head: string[] = [];
  return {
    isTop: () => parentheses <= 0 && blocks === 0,
    see(token) {
      if (token.text === "(") parentheses++;
      else if (token.text === ")") parentheses--;
      if (token.kind !== "word" || parentheses > 0) return;
      const word = token.text.toLowerCase();
      if (head.length < 4) head.push(word);
      const before = last;
      last = word;
      if (!/^create (or replace )?(function|procedure)\b/.test(head.join(" "))) return;
      if (blocks === 0) blocks = before === "begin" && word === "atomic" ? 1 : 0;
      else if (word === "case") blocks++;
      else if (word === "end") blocks--;
    },
  };
}

function isCode({ kind }: SqlToken): boolean {
  return kind !== "space" && kind !== "comment";
}

function codeOf(tokens: readonly SqlToken[]): string {
  const shown = tokens.map((token) => {
    if (!isCode(token)) return " ";
    return token.kind === "string" ? "''" : token.text;
  });
  return shown.join("").replaceAll(/ +/g, " ").trim();
}
