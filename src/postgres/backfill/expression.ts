import { indexOfByte, parseSql } from "../sql/parse.ts";

/** One SQL expression over the columns of a row. */
export interface RowExpression {
  text: string;
  /** The same over PL/pgSQL's `new`. */
  overNew: string;
  /** Columns of the table that it names. */
  columns: string[];
  /** Names of the functions that it calls, without schema. */
  functions: string[];
  /** Whether it reads more than the row: a subselect. */
  readsTables: boolean;
  /** Whether it reads the clock, as in current_timestamp. */
  readsClock: boolean;
}

export type ExpressionCheck = { expression: RowExpression } | { problem: string };

const PREFIX = "select (\n";
/** Those beginning so read the clock; the others, like CURRENT_USER, do not. */
const CLOCK = /^SVFOP_(CURRENT_(DATE|TIME)|LOCALTIME)/;

/**
 * Reads a text that must be one expression, nothing around it and no statement. `alias` is the name by which
 * the text may call its table.
 */
export async function checkExpression(
  text: string,
  { alias, columns }: { alias: string; columns: ReadonlySet<string> },
): Promise<ExpressionCheck> {
  const sql = `${PREFIX}${text}\n)`;
  const parsed = await parseSql(sql, 0);
  if ("problem" in parsed) return { problem: `${parsed.problem.text} (line ${parsed.problem.line})` };
  const value = onlyValueOf(parsed.statements.map(({ node }) => node));
  if (value === undefined) return { problem: "it must be one expression, without anything around it" };
  const found = collect(value);
  if (found.parameters > 0) return { problem: "it has a parameter ($1), for which there is no value" };
  const named = found.references.map(({ fields }) => fields.at(-1) ?? "*");
  return {
    expression: {
      text,
      overNew: found.readsTables ? fromRow(text, alias) : overNew(text, sql, found, columns, alias),
      columns: [...new Set(named.flatMap((name) => (columns.has(name) ? [name] : [])))],
      functions: [...new Set(found.functions)],
      readsTables: found.readsTables,
      readsClock: found.readsClock,
    },
  };
}

/** An identifier as SQL takes it whatever is in it. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

interface Found {
  /** Byte offset and the names between the dots; a star is left out. */
  references: { location: number; fields: string[]; star: boolean }[];
  functions: string[];
  parameters: number;
  readsTables: boolean;
  readsClock: boolean;
}

type Tree = { [key: string]: unknown };

/** The one value that `select (text)` selects, when the text does not end the parenthesis and go on. */
function onlyValueOf(nodes: readonly object[]): unknown {
  const select = nodes.length === 1 ? (nodes[0] as { SelectStmt?: Tree }).SelectStmt : undefined;
  const beside = new Set(["targetList", "limitOption", "op"]);
  if (select === undefined || Object.keys(select).some((key) => !beside.has(key))) return undefined;
  if (select.op !== "SETOP_NONE" || select.limitOption !== "LIMIT_OPTION_DEFAULT") return undefined;
  const targets = select.targetList as { ResTarget: Tree }[];
  const target = targets.length === 1 ? targets[0]!.ResTarget : undefined;
  return target === undefined || target.name !== undefined ? undefined : target.val;
}

function collect(value: unknown): Found {
  const found: Found = {
    references: [],
    functions: [],
    parameters: 0,
    readsTables: false,
    readsClock: false,
  };
  visit(value, found);
  return found;
}

function visit(value: unknown, found: Found): void {
  if (Array.isArray(value)) for (const item of value) visit(item, found);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return;
  for (const [kind, child] of Object.entries(value as Tree)) {
    const node = (typeof child === "object" ? child : {}) as Tree;
    if (kind === "ColumnRef") {
      const fields = node.fields as Tree[];
      const names = fields.flatMap((field) => nameOf(field) ?? []);
      found.references.push({
        location: Number(node.location ?? 0),
        fields: names,
        star: names.length < fields.length,
      });
    } else if (kind === "FuncCall") {
      found.functions.push(nameOf((node.funcname as Tree[]).at(-1)!) ?? "");
    } else if (kind === "ParamRef") found.parameters++;
    else if (kind === "SubLink") found.readsTables = true;
    else if (kind === "SQLValueFunction" && CLOCK.test(String(node.op))) found.readsClock = true;
    visit(child, found);
  }
}

function nameOf(node: Tree): string | undefined {
  return (node.String as { sval?: string } | undefined)?.sval;
}

/** Puts `new.` before each column: PL/pgSQL then evaluates it without running a query. */
function overNew(
  text: string,
  sql: string,
  { references }: Found,
  columns: ReadonlySet<string>,
  alias: string,
): string {
  const plain = references.every(
    ({ fields, star }) => !star && fields.length === 1 && columns.has(fields[0]!),
  );
  if (!plain) return fromRow(text, alias);
  const toIndex = indexOfByte(sql);
  let result = text;
  for (const { location } of references.toSorted((a, b) => b.location - a.location)) {
    const index = toIndex(location) - PREFIX.length;
    result = `${result.slice(0, index)}new.${result.slice(index)}`;
  }
  return `(\n${result}\n)`;
}

function fromRow(text: string, alias: string): string {
  return `(select (\n${text}\n) from (select new.*) as ${quoteName(alias)})`;
}
