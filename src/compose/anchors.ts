import { readFile } from "node:fs/promises";
import { deadline, type Clock } from "../lib/clock.ts";
import { TminusError, toErrorRecord } from "../errors.ts";
import type { Anchor, AnchorPlace, AnchorReading } from "../model/audit.ts";
import { openAnchors } from "../providers/anchors/open-anchors.ts";
import { parseAnchors } from "../providers/anchors/parse-anchors.ts";
import { readAuditHead } from "../store/audit.ts";
import { readRun } from "../store/journal.ts";
import type { Pool } from "../store/pool.ts";
import { readRunContext } from "../store/runs.ts";
import { runContextSchema } from "./run-context.ts";

const WRITE_LIMIT_MS = 30_000;

/**
 * Writes the head of the run's project to the place that its runbook names. Undefined when that is done or no place is
 * named, else why it failed. Safe to repeat. Errors: STATE_UNAVAILABLE, RUN_UNKNOWN.
 */
export async function anchorHead(
  pool: Pool,
  clock: Clock,
  runId: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { anchor: settings, projectDirectory } = runContextSchema.parse(await readRunContext(pool, runId));
  if (settings === undefined) return undefined;
  const { project } = (await readRun(pool, runId)).plan;
  const head = await readAuditHead(pool, project);
  const place = openAnchors(settings, projectDirectory);
  try {
    await place.write(
      { project, ...head, run: runId, at: clock.now().toISOString() },
      deadline(WRITE_LIMIT_MS, signal),
    );
    return undefined;
  } catch (error) {
    return `${place.name}: ${toErrorRecord(error).message}`;
  }
}

/** Never rejects for what the place does. */
export async function readAnchors(place: AnchorPlace, signal: AbortSignal): Promise<AnchorReading> {
  try {
    return { place: place.name, anchors: await place.read(signal) };
  } catch (error) {
    return { place: place.name, anchors: [], unknown: toErrorRecord(error).message };
  }
}

/** Anchors in a file, wherever they were kept before. Errors: AUDIT_UNREADABLE. */
export async function readAnchorFile(path: string): Promise<Anchor[]> {
  try {
    return parseAnchors(await readFile(path, "utf8"));
  } catch (error) {
    throw new TminusError("AUDIT_UNREADABLE", `${path}: ${toErrorRecord(error).message}`, { cause: error });
  }
}
