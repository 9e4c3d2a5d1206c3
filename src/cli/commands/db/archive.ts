import * as room from "../../../compose/database/archive.ts";
import type { KeptArchive, ToRemove } from "../../../compose/database/archive.ts";
import type { ExitCode } from "../../../error-codes.ts";
import { hasCode, TminusError } from "../../../errors.ts";
import type { DatabasePlace } from "../../../model/database.ts";
import { type CommandContext } from "../../command-context.ts";
import { confirmChange } from "../../confirm.ts";
import type { ArchiveOptions } from "../../database/archive.ts";
import { identifyAt } from "../../identify-at.ts";
import { refuseWhenFrozen } from "../../refuse-when-frozen.ts";

/** Whether what was dropped can still be put back by tminus, and why. */
interface Undo {
  state: "possible" | "refused" | "over" | "done" | "unknown";
  text: string;
}

type Judged = KeptArchive & { undo: Undo };

/** Exit code 3 when one that was named stays; those refused beforehand keep all that were named with them. */
export async function archive(context: CommandContext, options: ArchiveOptions): Promise<ExitCode> {
  const { remove, olderThan } = options;
  const named = Array.isArray(remove) ? remove : [];
  if (remove !== undefined && named.length > 0 === (olderThan !== undefined)) {
    throw new TminusError("USAGE_INVALID", "it is not said what is to be removed", {
      hint: "Give ids after --remove, or --older-than with a duration; tminus db archive lists the ids.",
    });
  }
  const place = await context.openDatabase(options.database);
  const all = await judge(context, place, await room.readKept(place, context.cancelled));
  const before = olderThan === undefined ? undefined : place.clock.now().getTime() - olderThan;
  const chosen = all.filter(
    ({ id, archivedAt }) =>
      (named.length === 0 || named.includes(id)) && (before === undefined || Date.parse(archivedAt) < before),
  );
  refuseUnknown(
    named,
    all.map(({ id }) => id),
  );
  if (remove !== undefined) return removal(context, place, { chosen, isNamed: named.length > 0, options });
  context.output.result({ environment: place.environment ?? null, archived: chosen, exitCode: 0 }, [
    ...chosen.flatMap((item) => [describe(item), `  ${item.undo.text}`]),
    ...(chosen.length === 0 ? ["nothing is archived"] : []),
  ]);
  return 0;
}

interface Removal {
  chosen: readonly Judged[];
  isNamed: boolean;
  options: ArchiveOptions;
}

async function removal(
  context: CommandContext,
  place: DatabasePlace,
  { chosen, isNamed, options }: Removal,
): Promise<ExitCode> {
  const { output, cancelled } = context;
  const staying = chosen.flatMap(({ id, undo }) => {
    const reason = whyStays(undo, options);
    return reason === undefined ? [] : [{ id, reason }];
  });
  const going = chosen.filter(({ undo }) => whyStays(undo, options) === undefined);
  const isRefused = isNamed && staying.length > 0;
  if (isRefused || going.length === 0) {
    const exitCode = isRefused ? 3 : 0;
    output.result({ removed: [], staying, exitCode }, [
      ...staying.map(({ id, reason }) => `${id}  stays: ${reason}`),
      isRefused ? "nothing was removed" : "nothing is to be removed",
    ]);
    return exitCode;
  }
  await refuseWhenFrozen(context, place);
  output.note("counting what would be removed");
  const counted = await room.countKept(place, going, cancelled);
  for (const item of counted) output.note(`${describeCounted(item)}  will be removed for good`);
  const actor = await identifyAt(context, place, "remove archived rows", options);
  const environment = { name: place.environment ?? "", protected: place.protected };
  const rows = counted.reduce((sum, { counted: number }) => sum + (number ?? 0), 0);
  await confirmChange(context, environment, `remove ${rows.toLocaleString("en")} archived rows`, options);
  const outcomes = await room.removeKept(place, counted, {
    by: actor.name,
    signal: cancelled,
    progress: (text) => output.note(place.redact(text)),
  });
  const removed = outcomes.filter(({ kept }) => kept === undefined).map(({ id }) => id);
  const kept = outcomes.flatMap(({ id, kept: reason }) =>
    reason === undefined ? [] : [{ id, reason: place.redact(reason) }],
  );
  const exitCode = kept.length > 0 ? 3 : 0;
  const rowsRemoved = counted.reduce(
    (sum, item) => sum + (removed.includes(item.id) ? (item.counted ?? 0) : 0),
    0,
  );
  output.result({ removed, rowsRemoved, staying: [...staying, ...kept], exitCode }, [
    ...removed.map((id) => `${id}  removed`),
    ...[...staying, ...kept].map(({ id, reason }) => `${id}  stays: ${reason}`),
  ]);
  return exitCode;
}

/** Asks the runs: one that has not ended may still undo what it did. One that has ended never does. */
async function judge(
  context: CommandContext,
  place: DatabasePlace,
  kept: readonly KeptArchive[],
): Promise<Judged[]> {
  const states = new Map<string, "active" | "ended" | undefined>();
  for (const { runKey, restoredAt } of kept) {
    const run = runOf(runKey);
    if (restoredAt === null && !states.has(run)) states.set(run, await stateOf(context, place, run));
  }
  return kept.map((item) => ({ ...item, undo: undoOf(item, states.get(runOf(item.runKey))) }));
}

async function stateOf(
  context: CommandContext,
  { environment }: DatabasePlace,
  id: string,
): Promise<"active" | "ended" | undefined> {
  // Without a runbook there is nobody to ask.
  if (environment === undefined) return undefined;
  const tminus = await context.open();
  try {
    const run = await tminus.findRun(id);
    if (run.id !== id) return undefined;
    return run.state === "ended" ? "ended" : "active";
  } catch (error) {
    if (hasCode(error, "RUN_UNKNOWN")) return undefined;
    throw error;
  }
}

function undoOf(
  { runKey, restoredAt, undoRefusal }: KeptArchive,
  state: "active" | "ended" | undefined,
): Undo {
  const run = runOf(runKey);
  if (restoredAt !== null)
    return { state: "done", text: `undone: the values were put back at ${restoredAt}` };
  if (state === undefined)
    return { state: "unknown", text: `it is not known whether run ${run} may still put it back` };
  if (state === "ended")
    return { state: "over", text: `run ${run} has ended: it can only be put back by hand` };
  if (undoRefusal !== null)
    return { state: "refused", text: `run ${run} has not ended, but cannot put it back now: ${undoRefusal}` };
  return { state: "possible", text: `run ${run} may still put it back` };
}

function whyStays({ state, text }: Undo, { unknownRuns }: ArchiveOptions): string | undefined {
  if (state === "done" || state === "over" || (state === "unknown" && unknownRuns === true)) return undefined;
  return state === "unknown" ? `${text}; --unknown-runs removes it all the same` : text;
}

function refuseUnknown(named: readonly string[], known: readonly string[]): void {
  const unknown = named.filter((id) => !known.includes(id));
  if (unknown.length === 0) return;
  throw new TminusError(
    "USAGE_INVALID",
    `nothing is archived as ${unknown.join(", ")}; nothing was removed`,
    {
      hint: "tminus db archive lists what is, with the ids.",
    },
  );
}

/** "3  users.email  50 rows, 0.1 MB, dropped by 2_contract.sql, since 2026-01-01T12:00:00Z, by ann". */
function describe({ id, what, rows, bytes, file, version, archivedAt, archivedBy }: KeptArchive): string {
  const size = bytes === null ? "its table is gone" : `${(bytes / 1024 ** 2).toFixed(1)} MB`;
  const count = `${rows.toLocaleString("en")} ${rows === 1 ? "row" : "rows"}`;
  return `${id}  ${what}  ${count}, ${size}, dropped by ${file ?? version}, since ${archivedAt}, by ${archivedBy}`;
}

function describeCounted({ counted, ...item }: ToRemove): string {
  return describe({ ...item, rows: counted ?? 0 });
}

function runOf(runKey: string): string {
  return runKey.split("/", 1)[0]!;
}
