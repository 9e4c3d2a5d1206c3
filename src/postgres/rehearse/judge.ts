import { formatDuration } from "../../lib/duration.ts";
import type { FileRecord, Rehearsal } from "./rehearsal.ts";
import { rangeText } from "./sentence.ts";

/** What a rehearsal has to show before its files may run. */
export interface Demands {
  /** The longest that one lock for which others wait may be held. */
  maxLockMs: number;
  /** The longest that all files together may take. */
  maxDurationMs: number;
  /** Every file must have a down section that gives back the schema and loses no row. */
  requireReversible: boolean;
  /** Take what could not be found out for a pass. */
  acceptUnknown: boolean;
}

export interface Judgement {
  /** Why the files must not run; empty: they may. Each names its file. */
  refusals: string[];
  /** What people should know although it is no reason against. */
  warnings: string[];
}

/** Pure. What is not known counts against the files unless the demands say otherwise. */
export function judgeRehearsal(rehearsal: Rehearsal, demands: Demands): Judgement {
  const { files, canaries, total } = rehearsal;
  const refusals: string[] = [];
  const warnings: string[] = [];
  const unknown = demands.acceptUnknown ? warnings : refusals;
  for (const file of files) {
    if (file.outcome === "failed") refusals.push(`${file.file} fails: ${file.reason}`);
    if (file.outcome === "not-rehearsed") unknown.push(`${file.file}: ${file.reason}`);
    if (file.outcome !== "passed") continue;
    if (file.total.state === "unknown")
      unknown.push(`${file.file}: how long it takes is not known: ${file.total.reason}`);
    judgeLocks(file, demands, { refusals, warnings });
    if (demands.requireReversible) refusals.push(...missingUndo(file), ...wrongUndo(file));
    else warnings.push(...wrongUndo(file));
  }
  const isLong = total.state === "estimated" && total.likelyMs > demands.maxDurationMs;
  if (isLong)
    refusals.push(
      `all files take about ${formatDuration(total.likelyMs)}, more than ${formatDuration(demands.maxDurationMs)}`,
    );
  for (const { query, file, outcome, reason } of canaries) {
    if (outcome === "broken")
      refusals.push(`${file} breaks a query of the application: ${query} (${reason})`);
    else
      warnings.push(
        `${file}: connections that have prepared this fail with it until they are made anew: ${query}`,
      );
  }
  return { refusals, warnings };
}

function judgeLocks(
  { file, locks }: FileRecord,
  { maxLockMs }: Demands,
  { refusals, warnings }: Judgement,
): void {
  for (const { relation, blocks, held } of locks) {
    if (blocks === "nothing" || held.state === "unknown") continue;
    const text = `${file} keeps ${blocks} from ${relation} for ${rangeText(held)}`;
    if (held.likelyMs > maxLockMs) refusals.push(`${text}, likely more than ${formatDuration(maxLockMs)}`);
    else if (held.highMs > maxLockMs)
      warnings.push(`${text}, perhaps more than ${formatDuration(maxLockMs)}`);
  }
}

/** What is not there to be judged: a note would only repeat the file's sentence. */
function missingUndo({ file, roundTrip }: FileRecord): string[] {
  if (roundTrip === undefined || roundTrip.state === "no-down") return [`${file}: there is no down section`];
  const isCounted = roundTrip.state === "failed" || roundTrip.counted;
  return isCounted ? [] : [`${file}: whether down loses rows was not counted`];
}

function wrongUndo({ file, roundTrip }: FileRecord): string[] {
  if (roundTrip === undefined || roundTrip.state === "no-down") return [];
  if (roundTrip.state === "failed") return [`${file}: ${roundTrip.step} fails: ${roundTrip.reason}`];
  const { differences, upAgain, losses } = roundTrip;
  const shown = (which: typeof differences): string =>
    which.map(({ object, change }) => `${object} (${change})`).join(", ");
  return [
    ...(differences.length === 0
      ? []
      : [`${file}: down does not give back the schema: ${shown(differences)}`]),
    ...(upAgain.length === 0
      ? []
      : [`${file}: a second up does not give the schema of the first: ${shown(upAgain)}`]),
    ...losses.map(
      ({ relation, rows, columns }) =>
        `${file}: down loses ${rows} rows or values of ${relation} (${columns.join(", ")})`,
    ),
  ];
}
