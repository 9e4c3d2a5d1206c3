import type { Verdict } from "../../model/verdict.ts";
import type { Session } from "../session/connect.ts";
import { isSame, readGrants } from "./grants.ts";
import { probeWrites } from "./probe.ts";
import { readMode, readSnapshot, type ModeRow } from "./snapshot.ts";
import { readTables, readTriggers } from "./tables.ts";

export type Mode = "on" | "off";

/** What is found, and why it is not what it is called. */
export interface ReadOnlyStatus {
  state: ModeRow["state"] | "off";
  startedBy: string | null;
  since: string | null;
  except: string[];
  /** Tables that refuse writes. */
  refusing: number;
  /** All tables that the mode is about. */
  tables: number;
  /** Of the refusing ones: grants were left as they are, because they could not have been restored exactly. */
  byTriggerAlone: string[];
  problems: string[];
}

/** Reads only. */
export async function readStatus(session: Session): Promise<ReadOnlyStatus> {
  const mode = await readMode(session);
  const tables = await readTables(session, mode?.except ?? []);
  const snapshot = await readSnapshot(session);
  const triggers = await readTriggers(session);
  const problems: string[] = [];
  if (mode === undefined) {
    for (const { table } of triggers) problems.push(`${table} still has the trigger`);
    for (const { title } of snapshot) problems.push(`the grants of ${title} were not restored`);
  } else {
    if (mode.state !== "on") problems.push(`${mode.state} was begun and has not ended`);
    for (const { table, isRefusing } of tables)
      if (!isRefusing) problems.push(`${table} has no working trigger`);
    for (const { oid, title, revoked, during } of snapshot)
      if (revoked && !isSame(await readGrants(session, oid), during) && tables.some((one) => one.oid === oid))
        problems.push(`the grants of ${title} were changed since`);
  }
  return {
    state: mode?.state ?? "off",
    startedBy: mode?.startedBy ?? null,
    since: mode?.since ?? null,
    except: mode?.except ?? [],
    refusing: tables.filter(({ isRefusing }) => isRefusing).length,
    tables: tables.length,
    byTriggerAlone: snapshot.filter(({ revoked }) => !revoked).map(({ title }) => title),
    problems,
  };
}

/**
 * By the catalog and by a write to every table that must fail, or must not; it is rolled back.
 * Errors: DATABASE_UNREACHABLE.
 */
export async function verifyMode(session: Session, wanted: Mode): Promise<Verdict> {
  const status = await readStatus(session);
  if ((status.state === "off") !== (wanted === "off"))
    return { verdict: "fail", reason: `read-only mode is ${status.state}` };
  return verifyWrites(session, wanted, status.problems);
}

/** The same without looking at the state that is written down. */
export async function verifyWrites(
  session: Session,
  wanted: Mode,
  problems: readonly string[] = [],
): Promise<Verdict> {
  if (problems.length > 0) return { verdict: "fail", reason: problems.join("; ") };
  const except = (await readMode(session))?.except ?? [];
  const all = await readTables(session, except);
  // Writes of another role's table say nothing about the mode.
  const tables = all.filter(({ isOurs }) => wanted === "on" || isOurs).map(({ table }) => table);
  const answers = await probeWrites(session, tables);
  const wrong = answers.filter(({ write }) => write === (wanted === "on" ? "allowed" : "refused"));
  if (wrong.length > 0)
    return { verdict: "fail", reason: `${wrong.map(({ table }) => table).join(", ")}: ${wrong[0]!.write}` };
  const open = answers.flatMap((answer) =>
    answer.write === "unknown" ? [`${answer.table}: ${answer.reason}`] : [],
  );
  if (open.length > 0)
    return { verdict: "unknown", reason: `a write was stopped by something else: ${open.join("; ")}` };
  const words = wanted === "on" ? "was refused" : "was let through";
  return { verdict: "pass", reason: `a write to each of ${tables.length} tables ${words}` };
}
