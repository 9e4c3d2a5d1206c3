import type { Actor } from "../model/actor.ts";
import { actorRecord } from "../model/actor-text.ts";
import type { EvidenceDemand, FollowUp, NewFollowUp } from "../model/follow-up.ts";
import { query, storedJson, storedText, type Pool } from "./pool.ts";

interface FollowUpRow {
  id: number;
  project: string;
  environment: string;
  run_id: string | null;
  text: string;
  owner: string | null;
  origin: string;
  evidence: EvidenceDemand;
  opened_at: Date;
  due_at: Date;
  reminded_at: Date | null;
  closed_at: Date | null;
  closed_by: string | null;
  note: string | null;
  attachment: string | null;
}

/** May be repeated: of one run (or of none) and origin there is one, and the first is given back. */
export async function openFollowUp(
  pool: Pool,
  { project, environment, run, text, owner, dueAt, origin, evidence = "none" }: NewFollowUp,
): Promise<FollowUp> {
  const [row] = await query<FollowUpRow>(
    pool,
    "select * from tminus.open_follow_up($1, $2, $3, $4, $5, $6, $7, $8)",
    [
      project,
      environment,
      run ?? null,
      storedText(text),
      owner === undefined ? null : storedText(owner),
      dueAt,
      storedText(origin),
      evidence,
    ],
  );
  return toFollowUp(row!);
}

/** Those that nobody has closed, the one that is due first at the front; of one environment or of all. */
export async function openFollowUps(
  pool: Pool,
  project: string,
  environment: string | undefined,
): Promise<FollowUp[]> {
  const rows = await query<FollowUpRow>(
    pool,
    `select * from tminus.follow_up
     where project = $1 and ($2::text is null or environment = $2) and closed_at is null
     order by due_at, id`,
    [project, environment ?? null],
  );
  return rows.map(toFollowUp);
}

/** All of one run, closed ones too. */
export async function followUpsOf(pool: Pool, runId: string): Promise<FollowUp[]> {
  const rows = await query<FollowUpRow>(
    pool,
    "select * from tminus.follow_up where run_id = $1 order by due_at, id",
    [runId],
  );
  return rows.map(toFollowUp);
}

/** Closed or not. */
export async function findFollowUp(pool: Pool, project: string, id: number): Promise<FollowUp | undefined> {
  const [row] = await query<FollowUpRow>(
    pool,
    "select * from tminus.follow_up where project = $1 and id = $2",
    [project, id],
  );
  return row === undefined ? undefined : toFollowUp(row);
}

/** False when it was closed already. `attachment` is the SHA-256 of evidence that is stored. */
export async function closeFollowUp(
  pool: Pool,
  id: number,
  { actor, note, attachment }: { actor: Actor; note: string; attachment?: string },
): Promise<boolean> {
  const [row] = await query<{ closed: boolean }>(
    pool,
    "select tminus.close_follow_up($1, $2, $3, $4, $5) as closed",
    [id, storedText(actor.name), storedJson(actorRecord(actor)), storedText(note), attachment ?? null],
  );
  return row!.closed;
}

/** What a worker has to remind people of. */
export type DueFollowUp = FollowUp & { project: string };

/**
 * Gives those that are due at `now`, and of which nobody was reminded in the last `everyMs`, to the caller for `forMs`:
 * others get them only afterwards, when it did not say by markReminded that people were told. At most 20.
 */
export async function claimReminders(
  pool: Pool,
  now: Date,
  forMs: number,
  everyMs: number,
): Promise<DueFollowUp[]> {
  const rows = await query<FollowUpRow>(pool, "select * from tminus.claim_reminders($1, $2, $3)", [
    now,
    forMs,
    everyMs,
  ]);
  return rows.map((row) => ({ ...toFollowUp(row), project: row.project }));
}

export async function markReminded(pool: Pool, id: number, now: Date): Promise<void> {
  await query(pool, "select tminus.mark_reminded($1, $2)", [id, now]);
}

function toFollowUp(row: FollowUpRow): FollowUp {
  const { id, environment, text, origin, evidence, run_id: run, owner, closed_by: by, closed_at: at } = row;
  const attachment = row.attachment === null ? {} : { attachment: row.attachment };
  return {
    id,
    environment,
    text,
    origin,
    evidence,
    openedAt: row.opened_at,
    dueAt: row.due_at,
    ...(run === null ? {} : { run }),
    ...(owner === null ? {} : { owner }),
    ...(row.reminded_at === null ? {} : { remindedAt: row.reminded_at }),
    ...(at === null || by === null ? {} : { closed: { by, at, note: row.note ?? "", ...attachment } }),
  };
}
