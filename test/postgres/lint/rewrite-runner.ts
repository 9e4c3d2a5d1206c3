import pg from "pg";
import { systemClock } from "../../../src/lib/clock.ts";
import { backfillSchema } from "../../../src/model/backfill.ts";
import { runBackfill } from "../../../src/postgres/backfill/run-backfill.ts";
import { compareFingerprints, keyOf } from "../../../src/postgres/drift/compare.ts";
import { readFingerprint, type Fingerprint } from "../../../src/postgres/drift/fingerprint.ts";
import type { BadExample, BackfillReplacement, LintRule } from "../../../src/postgres/lint/define-rule.ts";
import { EXAMPLE_SCHEMA } from "../../../src/postgres/lint/example-schema.ts";
import { lint, type LintReport } from "../../../src/postgres/lint/lint.ts";
import { readLintFile, type LintFile } from "../../../src/postgres/lint/lint-file.ts";
import { lintRules } from "../../../src/postgres/lint/registry.ts";
import type { FilePiece, Piece } from "../../../src/postgres/lint/rewrite/piece.ts";
import { rewriteFile, type RewrittenFile } from "../../../src/postgres/lint/rewrite/rewrite-file.ts";
import { freshDatabase } from "../../support/database.ts";
import {
  fileNodes,
  nothingSeen,
  partsOf,
  runExample,
  runPart,
  seeRewrites,
  withClient,
  type Seen,
} from "./example-runner.ts";

/** What stands for an example, all of its files together. */
export interface RewrittenExample {
  pieces: Piece[];
  declared: RewrittenFile["declared"];
}

/** The example with what its rule rewrites replaced; the reasons when it rewrites nothing. */
export async function rewriteExample(
  rule: LintRule,
  example: BadExample,
): Promise<RewrittenExample | { reasons: string[] }> {
  const earlier = earlierFiles(example);
  const pieces: Piece[] = [];
  const declared: RewrittenFile["declared"] = [];
  const reasons: string[] = [];
  const options = { rules: [rule], isOneBatch: true, severities: ["block", "ask", "note"] } as const;
  for (const file of askedFiles(example)) {
    const written = await rewriteFile(earlier, file, options);
    if (written === undefined || "reason" in written) {
      if (written !== undefined) reasons.push(written.reason);
      const { transactional, phase, sql } = file;
      pieces.push({ kind: "file", suffix: undefined, transactional, phase, sql });
      const { findings } = await lint([...earlier, file], {
        ...options,
        isAsked: (each) => each === file,
        rewrites: true,
      });
      reasons.push(
        ...findings.flatMap(({ rewrite }) =>
          rewrite !== undefined && "reason" in rewrite ? rewrite.reason : [],
        ),
      );
    } else {
      pieces.push(...written.pieces);
      declared.push(...written.declared);
    }
    earlier.push(file);
  }
  return declared.length === 0 ? { reasons } : { pieces, declared };
}

/** What the linter says of the pieces behind the files that made the tables. */
export async function lintPieces(example: BadExample, pieces: readonly Piece[]): Promise<LintReport> {
  const asked = pieces.filter((piece) => piece.kind === "file").map(asFile);
  return lint([...earlierFiles(example), ...asked], {
    rules: lintRules,
    isAsked: (file) => asked.includes(file),
    isOneBatch: true,
  });
}

export interface Outcome {
  seen: Seen;
  schema: Fingerprint;
  rows: TableRows;
}

/** Runs the example as it is written. */
export function runOriginal(template: { url: string; name: string }, example: BadExample): Promise<Outcome> {
  return runExample(template, example, (client, seen) => outcomeOf(client, seen));
}

/**
 * Runs the pieces, and calls `looks` in a transaction: when everything before the phase contract has run, and at
 * the end. Then takes back what has a down section, newest first, and says after which file the schema was not what
 * it had been before.
 */
export async function runPieces(
  template: { name: string },
  example: BadExample,
  pieces: readonly Piece[],
  looks: {
    beforeContract(client: pg.Client, seen: Seen): Promise<void>;
    atEnd(client: pg.Client): Promise<void>;
  },
): Promise<Outcome & { notTakenBack: string[]; start: TableRows }> {
  const database = await freshDatabase(template.name);
  try {
    return await withClient(database.url, async (client) => {
      if (example.before !== undefined) await client.query(example.before);
      const start = await rowsOf(client);
      const nodes = await fileNodes(client);
      const seen = nothingSeen();
      let before: Fingerprint | undefined;
      let hasLooked = isContractFile(example);
      for (const [index, piece] of pieces.entries()) {
        if (!hasLooked && piece.kind === "file" && piece.phase === "contract") {
          await inRolledBack(client, () => looks.beforeContract(client, seen));
          hasLooked = true;
          await client.query(`${example.meanwhile ?? ""};${example.fits ?? ""}`);
        }
        if (index === reversible(pieces)) before = await fingerprint(client);
        await runPiece(client, database.url, piece, seen);
      }
      await seeRewrites(client, nodes, seen);
      if (!hasLooked || isContractFile(example))
        await inRolledBack(client, () => looks.beforeContract(client, seen));
      await inRolledBack(client, () => looks.atEnd(client));
      const outcome = await outcomeOf(client, seen);
      const notTakenBack = before === undefined ? [] : await takeBack(client, pieces, before);
      return { ...outcome, start, notTakenBack };
    });
  } finally {
    await database.drop();
  }
}

/** "column public.users.email" of everything that is not the same. */
export function differences(expected: Fingerprint, live: Fingerprint): string[] {
  return compareFingerprints(expected, live).map(keyOf);
}

/** By table and row, as JSON, without the columns that only one of the two has or that are named ("public.users.token"). */
export function sharedRows(
  one: TableRows,
  other: TableRows,
  without: readonly string[],
): [TableTexts, TableTexts] {
  const columnsOf = (rows: readonly Row[] = []): string[] => Object.keys(rows[0] ?? {});
  const texts = (rows: TableRows): TableTexts => {
    const found: TableTexts = {};
    for (const table of [...one.keys()].filter((name) => other.has(name))) {
      const shared = columnsOf(one.get(table)).filter(
        (column) =>
          columnsOf(other.get(table)).includes(column) && !without.includes(`public.${table}.${column}`),
      );
      found[table] = (rows.get(table) ?? [])
        .map((row) => JSON.stringify(shared.toSorted().map((column) => [column, row[column]])))
        .sort();
    }
    return found;
  };
  return [texts(one), texts(other)];
}

type Row = Record<string, unknown>;
export type TableRows = Map<string, Row[]>;
type TableTexts = Record<string, string[]>;

function earlierFiles(example: BadExample): LintFile[] {
  const texts = [EXAMPLE_SCHEMA, ...(example.before === undefined ? [] : [example.before])];
  return texts.map((sql, index) => readLintFile(`earlier-${index}.sql`, sql));
}

function askedFiles(example: BadExample): LintFile[] {
  return partsOf(example).map((part, index) =>
    readLintFile(`example-${index}.sql`, typeof part === "string" ? part : part.outside, {
      transactional: typeof part === "string",
    }),
  );
}

function isContractFile(example: BadExample): boolean {
  return askedFiles(example).every(({ phase }) => phase === "contract");
}

function asFile({ transactional, phase, sql }: FilePiece, index: number): LintFile {
  return {
    file: `piece-${index}.sql`,
    sql,
    firstLine: 1,
    transactional,
    phase,
    preamble: "",
    allows: [],
    problems: [],
  };
}

async function runPiece(client: pg.Client, url: string, piece: Piece, seen: Seen): Promise<void> {
  if (seen.error !== undefined) return;
  if (piece.kind === "file")
    return runPart(client, piece.transactional ? piece.sql : { outside: piece.sql }, seen);
  await fillRows(url, piece.backfill);
}

async function fillRows(url: string, backfill: BackfillReplacement["backfill"]): Promise<void> {
  await runBackfill(backfillSchema.parse(backfill), {
    connectionString: url,
    fence: { environment: "production", token: 1 },
    runKey: "run/step",
    startedBy: "ann",
    clock: systemClock,
    signal: new AbortController().signal,
    progress: () => undefined,
  });
}

/** The files that can be taken back, all after them included; the position of the first, newest first to run. */
function reversible(pieces: readonly Piece[]): number {
  return pieces.findLastIndex((piece) => piece.kind === "file" && piece.down === undefined) + 1;
}

async function takeBack(client: pg.Client, pieces: readonly Piece[], before: Fingerprint): Promise<string[]> {
  for (const piece of pieces.slice(reversible(pieces)).toReversed()) {
    if (piece.kind === "backfill") continue;
    const seen = nothingSeen();
    await runPart(client, piece.transactional ? piece.down! : { outside: piece.down! }, seen);
    if (seen.error !== undefined) return [`${piece.down}: ${seen.error.message}`];
  }
  return differences(before, await fingerprint(client));
}

async function inRolledBack(client: pg.Client, work: () => Promise<void>): Promise<void> {
  await client.query("begin");
  try {
    await work();
  } finally {
    await client.query("rollback");
  }
}

async function outcomeOf(client: pg.Client, seen: Seen): Promise<Outcome> {
  return { seen, schema: await fingerprint(client), rows: await rowsOf(client) };
}

function fingerprint(client: pg.Client): Promise<Fingerprint> {
  return readFingerprint({
    query: async <Answer extends Record<string, unknown>>(text: string, values?: unknown[]) =>
      (await client.query<Answer>(text, values)).rows,
  });
}

async function rowsOf(client: pg.Client): Promise<TableRows> {
  const { rows: tables } = await client.query<{ name: string }>(
    "select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'",
  );
  // An example may have set another one in the transaction that is still open.
  await client.query("set timezone to 'UTC'");
  const found: TableRows = new Map();
  for (const { name } of tables) {
    const { rows } = await client.query<{ row: Row }>(
      `select to_jsonb(t) as row from public.${pg.escapeIdentifier(name)} t`,
    );
    found.set(
      name,
      rows.map(({ row }) => row),
    );
  }
  return found;
}
