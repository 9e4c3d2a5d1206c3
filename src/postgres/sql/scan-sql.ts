/** A piece of SQL text as PostgreSQL's lexer sees it, as far as splitting and inspecting need. */
export interface SqlToken {
  kind: "space" | "comment" | "string" | "quoted-name" | "word" | "symbol";
  text: string;
  /** Index of the first character. */
  start: number;
}

export interface SqlScan {
  tokens: SqlToken[];
  /** Set when a quote or comment is opened and never closed: what, and where it begins. */
  unclosed?: { what: string; start: number };
}

const SPACE = /\s+/y;
const LINE_COMMENT = /--[^\n\r]*/y;
const ESCAPE_STRING = /[eE]'[^'\\]*(?:(?:\\[\s\S]|'')[^'\\]*)*'/y;
const STRING = /'[^']*'/y;
const QUOTED_NAME = /"[^"]*"/y;
/** Dollar signs are allowed inside a name, so a$b$ opens no dollar quote. */
const WORD = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y;
const NUMBER = /\d[\w.]*/y;
const DOLLAR_QUOTE = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y;

/** Cuts SQL into tokens that together are the whole text. Expects standard_conforming_strings, PostgreSQL's default. */
export function scanSql(sql: string): SqlScan {
  const tokens: SqlToken[] = [];
  for (let start = 0; start < sql.length;) {
    const next = tokenAt(sql, start);
    if ("unclosed" in next) return { tokens, unclosed: { what: next.unclosed, start } };
    tokens.push({ kind: next.kind, text: sql.slice(start, next.end), start });
    start = next.end;
  }
  return { tokens };
}

type Next = { kind: SqlToken["kind"]; end: number } | { unclosed: string };

function tokenAt(sql: string, start: number): Next {
  const end = (pattern: RegExp): number | undefined => {
    pattern.lastIndex = start;
    return pattern.test(sql) ? pattern.lastIndex : undefined;
  };
  const ends: [SqlToken["kind"], RegExp][] = [
    ["space", SPACE],
    ["comment", LINE_COMMENT],
    ["string", ESCAPE_STRING],
    ["string", STRING],
    ["quoted-name", QUOTED_NAME],
  ];
  for (const [kind, pattern] of ends) {
    const found = end(pattern);
    if (found !== undefined) return { kind, end: found };
  }
  if (sql.startsWith("/*", start)) return blockComment(sql, start);
  if (sql[start] === "'" || /^[eE]'/.test(sql.slice(start, start + 2))) return { unclosed: "a string" };
  if (sql[start] === '"') return { unclosed: "a quoted name" };
  const word = end(WORD) ?? end(NUMBER);
  if (word !== undefined) return { kind: "word", end: word };
  const opened = end(DOLLAR_QUOTE);
  if (opened === undefined) return { kind: "symbol", end: start + 1 };
  const tag = sql.slice(start, opened);
  const close = sql.indexOf(tag, opened);
  return close === -1 ? { unclosed: `a ${tag} quote` } : { kind: "string", end: close + tag.length };
}

/** Block comments nest in PostgreSQL. */
function blockComment(sql: string, start: number): Next {
  const edge = /\/\*|\*\//g;
  edge.lastIndex = start;
  let depth = 0;
  for (let match = edge.exec(sql); match !== null; match = edge.exec(sql)) {
    depth += match[0] === "/*" ? 1 : -1;
    if (depth === 0) return { kind: "comment", end: edge.lastIndex };
  }
  return { unclosed: "a comment" };
}
