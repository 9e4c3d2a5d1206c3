import type { BackfillSettings } from "../../model/backfill.ts";
import type { Session } from "../session/connect.ts";
import {
  identifyBackfill,
  type Backfill,
  type BackfillColumn,
  type BackfillProblem,
  type ResolvedBackfill,
} from "./backfill.ts";
import {
  readColumns,
  readLeaves,
  readTable,
  unrepeatableFunctions,
  type ColumnFacts,
  type TableFacts,
} from "./catalog.ts";
import { UNSEEN_REPLICAS } from "./health.ts";
import { checkExpression, quoteName, type RowExpression } from "./expression.ts";
import { tryOut } from "./try-out.ts";

/** TID range scans came with 14; without them each batch would read the whole table. */
const OLDEST_SERVER = 140_000;

/**
 * Reads the settings against the catalog: everything that stands in the way at once, or what they mean. Has the
 * server plan the update and evaluate it over some rows. Changes nothing.
 */
export async function resolveBackfill(
  session: Session,
  settings: BackfillSettings,
): Promise<ResolvedBackfill> {
  const facts = await readTable(session, settings.table);
  if (facts === undefined)
    return {
      problems: [
        {
          reason: `there is no table ${settings.table}`,
          fix: "Name it with its schema (public.users), or make it by a migration before.",
          mayCome: true,
        },
      ],
    };
  const columns = await readColumns(session, facts.oid);
  // Nothing else can be judged before they are there.
  const missing = missingColumns(settings, facts, columns);
  if (missing.length > 0) return { problems: missing };
  const { leaves, rows, foreign } = await readLeaves(session, facts.oid);
  const problems = [
    ...(await replicaProblems(session, settings)),
    ...tableProblems(facts, foreign),
    ...columnProblems(settings, new Map(columns.map((column) => [column.name, column]))),
  ];
  const read = await readExpressions(settings, facts, columns);
  problems.push(...read.problems);
  if (problems.length > 0) return { problems };
  const { where, values } = read;
  const unrepeatable = await unrepeatableFunctions(
    session,
    values.flatMap(({ functions }) => functions),
  );
  const repeats = unrepeatable.length === 0 && values.every(({ readsClock }) => !readsClock);
  if (!repeats && !Object.keys(settings.set).every((name) => where?.columns.includes(name) === true))
    return { problems: [endless(settings, unrepeatable)] };
  const names = Object.keys(settings.set);
  const backfill: Backfill = {
    settings,
    ...identifyBackfill(settings, facts.title),
    oid: facts.oid,
    table: facts.table,
    title: facts.title,
    alias: quoteName(facts.relname),
    columns: names.map((name, index): BackfillColumn => {
      const { text, overNew } = values[index]!;
      return { name: quoteName(name), plainName: name, type: typeOf(columns, name), text, overNew };
    }),
    remaining: remainingOf(settings, columns, repeats),
    where: { text: settings.where ?? "true", overNew: where?.overNew ?? "true" },
    searchPath: facts.searchPath,
    isRepeatable: repeats,
    leaves,
    rows,
    warnings: warningsOf(unrepeatable, values),
  };
  const readsItself = values.some((value) => value.columns.some((name) => names.includes(name)));
  const failure = await tryOut(session, backfill, { columns, readsItself: readsItself && repeats });
  return failure === undefined ? { backfill } : { problems: [failure] };
}

function missingColumns(
  { set }: BackfillSettings,
  { title }: TableFacts,
  columns: readonly ColumnFacts[],
): BackfillProblem[] {
  return Object.keys(set)
    .filter((name) => !columns.some((column) => column.name === name))
    .map((name) => ({
      reason: `${title} has no column ${name}`,
      fix: "Add it by a migration before.",
      mayCome: true,
    }));
}

function tableProblems(facts: TableFacts, foreign: readonly string[]): BackfillProblem[] {
  const { title } = facts;
  const problems: BackfillProblem[] = [];
  const refuse = (reason: string, fix: string): void => void problems.push({ reason, fix });
  if (facts.serverVersion < OLDEST_SERVER)
    refuse("the server is older than PostgreSQL 14, which cannot read a range of pages", "Upgrade it.");
  if (facts.kind !== "r" && facts.kind !== "p")
    refuse(`${title} is not a table`, "Name the table that holds the rows.");
  else if (foreign.length > 0)
    refuse(
      `${foreign.join(", ")} does not keep its rows in a heap, whose pages the batches are made of`,
      "Fill it by a migration of its own.",
    );
  if (facts.hasInheritance)
    refuse(`${title} inherits or is inherited from`, "Fill each of its tables by itself.");
  if (facts.isTemporary) refuse(`${title} is a temporary table`, "Name a table that others can see.");
  if (!facts.owns)
    refuse(`the role of the connection does not own ${title}`, "Connect as its owner: a trigger is needed.");
  if (facts.hidesRows)
    refuse(`row security hides rows of ${title} from this role`, "Use a role with BYPASSRLS.");
  return problems;
}

/** Told before anything begins; one that comes later holds the batches. */
async function replicaProblems(
  session: Session,
  { unseenReplicas }: BackfillSettings,
): Promise<BackfillProblem[]> {
  if (unseenReplicas === "ignore") return [];
  const [row] = await session.query<{ unseen: number }>(`select (${UNSEEN_REPLICAS}) as unseen`);
  if (row!.unseen === 0) return [];
  return [
    {
      reason: `the role may not see how far ${row!.unseen} replicas are behind`,
      fix: "Grant it pg_monitor, or set unseenReplicas: ignore.",
    },
  ];
}

function columnProblems(
  { set, undo }: BackfillSettings,
  known: ReadonlyMap<string, ColumnFacts>,
): BackfillProblem[] {
  return Object.keys(set).flatMap((name): BackfillProblem[] => {
    const column = known.get(name)!;
    if (column.isGenerated)
      return [{ reason: `${name} is generated by the database`, fix: "Leave it out of set." }];
    if (column.isPartitionKey)
      return [{ reason: `${name} decides in which partition a row is`, fix: "Leave it out of set." }];
    if (undo === "set null" && column.isNotNull)
      return [{ reason: `${name} is NOT NULL and cannot be set to null`, fix: "Use undo: keep values." }];
    return [];
  });
}

interface ReadExpressions {
  /** In the order of `set`. */
  values: RowExpression[];
  where: RowExpression | undefined;
  problems: BackfillProblem[];
}

async function readExpressions(
  { set, where }: BackfillSettings,
  { relname }: TableFacts,
  columns: readonly ColumnFacts[],
): Promise<ReadExpressions> {
  const about = { alias: relname, columns: new Set(columns.map(({ name }) => name)) };
  const result: ReadExpressions = { values: [], where: undefined, problems: [] };
  const read = async (place: string, text: string): Promise<RowExpression | undefined> => {
    const check = await checkExpression(text, about);
    if ("expression" in check) return check.expression;
    result.problems.push({ reason: `${place}: ${check.problem}`, fix: "Write one expression over the row." });
    return undefined;
  };
  for (const [name, text] of Object.entries(set)) {
    const value = await read(`set.${name}`, text);
    if (value !== undefined) result.values.push(value);
  }
  result.where = where === undefined ? undefined : await read("where", where);
  return result;
}

function endless({ set }: BackfillSettings, unrepeatable: readonly string[]): BackfillProblem {
  const who = unrepeatable.length === 0 ? "it reads the clock" : `${unrepeatable.join(", ")} is volatile`;
  const columns = Object.keys(set);
  return {
    reason: `the expression gives another value each time (${who}), so it would never be done`,
    fix: `Say when a row is done, as in where: ${columns.map((name) => `${name} is null`).join(" and ")}; or declare the function stable or immutable.`,
  };
}

/**
 * Values are compared as the column stores them: with its precision, and strings byte by byte, because a
 * collation may call different strings equal.
 */
function remainingOf(
  { set, where }: BackfillSettings,
  columns: readonly ColumnFacts[],
  repeats: boolean,
): string {
  const wanted = where === undefined ? [] : [`(\n${where}\n)`];
  if (!repeats) return wanted.join(" and ");
  const differs = Object.entries(set).map(([name, text]) => {
    const { type, asText } = columns.find((column) => column.name === name)!;
    const stored = `(\n${text}\n)::${type}`;
    return asText
      ? `${quoteName(name)}::text collate "C" is distinct from (${stored})::text collate "C"`
      : `${quoteName(name)} is distinct from ${stored}`;
  });
  return [...wanted, `(${differs.join(" or ")})`].join(" and ");
}

function typeOf(columns: readonly ColumnFacts[], name: string): string {
  return columns.find((column) => column.name === name)!.type;
}

function warningsOf(unrepeatable: readonly string[], values: readonly RowExpression[]): string[] {
  const warnings: string[] = [];
  if (unrepeatable.length > 0)
    warnings.push(`${unrepeatable.join(", ")} is volatile: each row is filled once, as where says`);
  if (values.some(({ readsTables }) => readsTables))
    warnings.push("an expression reads other tables: what changes there later is not followed");
  return warnings;
}
