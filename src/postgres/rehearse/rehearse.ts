import type { Clock } from "../../lib/clock.ts";
import type { ScratchDatabase, ScratchServer } from "../../model/ports.ts";
import { prepareCanaries, type Canaries } from "./canaries.ts";
import { readCatalog, type Catalog } from "./catalog.ts";
import { keepContents } from "./contents.ts";
import { fillTables } from "./fill.ts";
import { addForecasts, forecastLocks, forecastStatement, type Sizes } from "./forecast.ts";
import { openPgliteWorkbench } from "./pglite-workbench.ts";
import { excuse, makeRoles, replay, wantedExtensions, wordsOf } from "./prepare.ts";
import type { Production } from "./production.ts";
import type { FileRecord, Rehearsal, Tier } from "./rehearsal.ts";
import { makeRoundTrip } from "./round-trip.ts";
import { refusalText, runWatched, type RanStatement, type RehearsedFile } from "./run-statements.ts";
import { fileSentence } from "./sentence.ts";
import { openSizes, type SizeBook } from "./size-book.ts";
import { openServerWorkbench, type Workbench } from "./workbench.ts";

export interface RehearseOptions {
  /** What production has without the files: schemas and functions of a platform, for example. Runs first. */
  prelude?: RehearsedFile | undefined;
  /** Files that have run, oldest first. */
  history: readonly RehearsedFile[];
  pending: readonly RehearsedFile[];
  production: Production;
  /** Queries of the application; see canaries.ts. */
  canaries: readonly string[];
  place: RehearsalPlace;
  clock: Clock;
  signal: AbortSignal;
  progress: (text: string) => void;
}

export type RehearsalPlace =
  | { tier: 0 }
  | { tier: 1; scratch: ScratchServer }
  /** A database that may be changed, with the schema and the rows of a proven restore; disposed of in the end. */
  | { tier: 2; createClone: () => Promise<ScratchDatabase> };

/** What each kind of rehearsal cannot see, whatever the files are. */
const LIMITS: Record<Tier, string[]> = {
  0: [
    "there are no rows: whether existing rows break a constraint, and how many are lost, is not seen",
    "there is one session: locks of CONCURRENTLY are not seen",
  ],
  1: ["the rows are made up: duplicates and other surprises of the real rows are not seen"],
  2: ["the rows are those of the backup: what was written since is not seen"],
};

/**
 * Tries the pending files out in a database of its own, each up, down and up again, and tells what each did.
 * Changes nothing but that database, which it removes; a refused file is part of the answer. May be repeated.
 * Errors: STATE_UNAVAILABLE, STATE_PLATFORM, DATABASE_UNREACHABLE (the scratch server).
 */
export async function rehearse(options: RehearseOptions): Promise<Rehearsal> {
  const { place, pending, production, progress, prelude } = options;
  const history = prelude === undefined ? options.history : [prelude, ...options.history];
  await using room = await openRoom(options);
  const { bench } = room;
  const words = wordsOf([...history, ...pending]);
  await makeRoles(bench, production, (role) => words.has(role));
  const [version] = await bench.query<{ version: string }>(
    "select current_setting('server_version') as version",
  );
  const base = {
    format: 1 as const,
    tier: place.tier,
    server: version!.version,
    history: options.history.length,
  };
  const unmade = place.tier === 2 ? undefined : await replay(bench, history, progress);
  if (unmade !== undefined) {
    const { file, refusal } = unmade;
    const reason =
      excuse(refusal, file, production) ??
      `could not rehearse: a file that has run is refused here: ${refusalText(file, refusal)}`;
    const files = pending.map((next) => notRehearsed(next, reason));
    return {
      ...base,
      filled: [],
      files,
      canaries: [],
      total: unknownTotal(reason),
      limits: LIMITS[place.tier],
    };
  }
  const pendingWords = wordsOf(pending);
  const isNamed = (relation: string): boolean =>
    pendingWords.has(relation.slice(relation.lastIndexOf(".") + 1));
  if (place.tier === 1) progress("making up rows");
  const filled = place.tier === 1 ? await fillTables(bench, production, isNamed) : [];
  if (place.tier === 2) await bench.query("analyze");
  const sizes = await openSizes(bench, production);
  const { canaries, limits } = await prepareCanaries(bench, options.canaries);
  const unfilled = filled.flatMap(({ relation, note }) => (note === undefined ? [] : [relation]));
  const { files, noticed } = await rehearseFiles(bench, { ...options, sizes, canaries, unfilled });
  return {
    ...base,
    filled,
    files,
    canaries: noticed,
    total: addForecasts(files.map(({ total }) => total)),
    limits: [
      ...LIMITS[place.tier],
      ...filled.flatMap(({ relation, note }) =>
        note === undefined ? [] : [`${relation} has no rows here: ${note}`],
      ),
      ...unknownTables(production, sizes),
      ...limits,
    ],
  };
}

async function openRoom(options: RehearseOptions): Promise<Room> {
  const { place, prelude, history, pending, clock, signal } = options;
  const files = [...(prelude === undefined ? [] : [prelude]), ...history, ...pending];
  if (place.tier === 0) return roomOf(await openPgliteWorkbench(wantedExtensions(files), clock));
  const database = place.tier === 1 ? await place.scratch.createDatabase() : await place.createClone();
  try {
    const { connectionString } = database;
    return roomOf(await openServerWorkbench({ connectionString, clock, signal }), database);
  } catch (error) {
    await database[Symbol.asyncDispose]();
    throw error;
  }
}

interface Room extends AsyncDisposable {
  bench: Workbench;
}

function roomOf(bench: Workbench, database?: AsyncDisposable): Room {
  return {
    bench,
    async [Symbol.asyncDispose]() {
      try {
        await bench[Symbol.asyncDispose]();
      } finally {
        await database?.[Symbol.asyncDispose]();
      }
    },
  };
}

interface FilesOptions extends Omit<RehearseOptions, "canaries"> {
  sizes: SizeBook;
  canaries: Canaries;
  /** Tables that have rows in production and could not be given any here. */
  unfilled: readonly string[];
}

async function rehearseFiles(bench: Workbench, options: FilesOptions) {
  const { pending, progress, canaries } = options;
  const files: FileRecord[] = [];
  const noticed: Rehearsal["canaries"] = [];
  let stoppedBy: string | undefined;
  let before = await readCatalog(bench);
  for (const [index, file] of pending.entries()) {
    if (stoppedBy !== undefined) {
      files.push(notRehearsed(file, `${stoppedBy}, which comes before it, did not get through`));
      continue;
    }
    progress(`${file.file} (${index + 1} of ${pending.length})`);
    const { record, after } = await rehearseFile(bench, file, { ...options, before });
    before = after;
    files.push(record);
    const isStuck = record.roundTrip?.state === "failed" && !file.transactional;
    if (record.outcome !== "passed" || isStuck) stoppedBy = file.file;
    if (record.outcome === "passed") noticed.push(...(await canaries.check(file.file)));
  }
  return { files, noticed };
}

async function rehearseFile(
  bench: Workbench,
  file: RehearsedFile,
  { sizes, production, clock, place, unfilled, before }: FilesOptions & { before: Catalog },
): Promise<{ record: FileRecord; after: Catalog }> {
  const known = await sizes.now();
  const contents = place.tier === 0 || file.down === undefined ? undefined : await keepContents(bench);
  const { ran, refusal } = await runWatched(bench, file.up, { transactional: file.transactional, clock });
  const statements = ran.map((statement) => recordOf(statement, known));
  const pieces = statements.map((record, index) => ({ ...record, piece: ran[index]!.piece }));
  const shared = {
    file: file.file,
    version: file.version,
    statements,
    locks: forecastLocks(pieces),
  };
  const finish = (record: Omit<FileRecord, "sentence">): FileRecord => ({
    ...record,
    sentence: fileSentence(record),
  });
  if (refusal !== undefined) {
    const excused = excuse(refusal, file.file, production);
    const outcome = excused === undefined ? "failed" : "not-rehearsed";
    const reason = excused ?? refusalText(file.file, refusal);
    return { record: finish({ ...shared, outcome, reason, total: unknownForecast(reason) }), after: before };
  }
  const after = await readCatalog(bench);
  const roundTrip = await makeRoundTrip(bench, file, {
    before,
    after,
    contents,
    isCounted:
      contents !== undefined && !unfilled.some((relation) => wordsOf([file]).has(lastPart(relation))),
  });
  await contents?.forget();
  const total = addForecasts(statements.map(({ forecast }) => forecast));
  return { record: finish({ ...shared, outcome: "passed", total, roundTrip }), after };
}

function recordOf(ran: RanStatement, sizes: Sizes): FileRecord["statements"][number] {
  const { statement, elapsedMs, seen } = ran;
  const text = statement.code.slice(0, 120);
  return { line: statement.line, text, elapsedMs, seen, forecast: forecastStatement(ran, sizes) };
}

function notRehearsed({ file, version }: RehearsedFile, reason: string): FileRecord {
  const record = { file, version, outcome: "not-rehearsed" as const, reason, statements: [], locks: [] };
  const total = unknownForecast(reason);
  return { ...record, total, sentence: fileSentence({ ...record, total }) };
}

function unknownForecast(reason: string): FileRecord["total"] {
  return { state: "unknown", reason };
}

function unknownTotal(reason: string): Rehearsal["total"] {
  return { state: "unknown", reason };
}

/** Tables of production that the files do not make: they are not part of the rehearsal. */
function unknownTables({ rows }: Production, sizes: SizeBook): string[] {
  const missing = [...rows.keys()].filter((relation) => !sizes.made.has(relation)).toSorted();
  if (missing.length === 0) return [];
  const shown = missing.slice(0, 10).join(", ");
  return [
    `production has ${missing.length} tables and views that the files do not make: ${shown}${missing.length > 10 ? ", …" : ""}`,
  ];
}

function lastPart(relation: string): string {
  return relation.slice(relation.lastIndexOf(".") + 1);
}
