import type pg from "pg";
import {
  evidenceOf,
  type AuditEntry,
  type AuditEvent,
  type AuditEvidence,
  type AuditHeader,
  type AuditRecord,
  type AuditRun,
  type ChainHead,
} from "../model/audit.ts";
import { query, translate, type Pool } from "./pool.ts";

const PAGE = 1_000;
/** Each has its whole plan. */
const RUN_PAGE = 20;
/** Each may be large. */
const EVIDENCE_PAGE = 10;

const TIME = `'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'`;

export interface AuditFilter {
  project: string;
  /** Whether the content of the evidence is read, too. */
  evidence: boolean;
  /** Only this run, by its full id; the project's log is read in any case. */
  run?: string;
}

/**
 * Reads what can be verified of a project, as of one instant, in pages. The same state gives the same records.
 * Rows are taken as they are: nothing in them is trusted. Errors: STATE_UNAVAILABLE, STATE_DENIED.
 */
export async function* readAudit(pool: Pool, filter: AuditFilter): AsyncGenerator<AuditRecord> {
  const client = await pool.connect();
  let broken = true;
  try {
    await client.query("begin isolation level repeatable read read only");
    let records = 0;
    for await (const record of recordsOf(client, filter)) {
      records++;
      yield record;
    }
    yield { kind: "end", records };
    await client.query("commit");
    broken = false;
  } catch (error) {
    throw translate(error);
  } finally {
    client.release(broken); // one that was left in the middle is not used again
  }
}

/** The head of a project's log. */
export async function readAuditHead(pool: Pool, project: string): Promise<ChainHead> {
  const [head] = await query<ChainHead>(
    pool,
    "select sequence, hash from tminus.audit_head where project = $1",
    [project],
  );
  return head ?? NO_HEAD;
}

const NO_HEAD: ChainHead = { sequence: 0, hash: "" };

async function* recordsOf(client: pg.PoolClient, filter: AuditFilter): AsyncGenerator<AuditRecord> {
  const { project, evidence, run } = filter;
  const { rows } = await client.query<ChainHead>(
    "select sequence, hash from tminus.audit_head where project = $1",
    [project],
  );
  const header: AuditHeader = { kind: "header", version: 1, project, head: rows[0] ?? NO_HEAD, evidence };
  yield run === undefined ? header : { ...header, run };
  const named = new Set<string>();
  for await (const entry of entries(client, project)) {
    yield entry;
    if (run === undefined) for (const hash of evidenceOf(entry)) named.add(hash);
  }
  for await (const record of runs(client, filter)) {
    yield record;
    if (record.kind === "event") for (const hash of evidenceOf(record)) named.add(hash);
  }
  if (evidence) yield* contents(client, [...named].toSorted());
}

async function* entries(client: pg.PoolClient, project: string): AsyncGenerator<AuditEntry> {
  let after = Number.MIN_SAFE_INTEGER;
  for (;;) {
    const { rows } = await client.query<Omit<AuditEntry, "kind">>(
      `select sequence, to_char(at at time zone 'UTC', ${TIME}) as at, type, subject, actor, data, previous, hash
       from tminus.audit_entry where project = $1 and sequence > $2 order by sequence limit ${PAGE}`,
      [project, after],
    );
    for (const row of rows) yield { kind: "entry", ...row };
    if (rows.length < PAGE) return;
    after = rows.at(-1)!.sequence;
  }
}

/** Each run with its events, by id, and at the end events whose run is not there. */
async function* runs(
  client: pg.PoolClient,
  { project, run }: AuditFilter,
): AsyncGenerator<AuditRun | AuditEvent> {
  let after = "";
  for (;;) {
    const { rows } = await client.query<Omit<AuditRun, "kind">>(
      `select id, environment, plan, plan_hash as "planHash", context::text,
         to_char(created_at at time zone 'UTC', ${TIME}) as "createdAt", created_by as "createdBy", state, outcome,
         verdict::text, end_state::text as "endState",
         json_build_object('sequence', head_sequence, 'hash', head_hash) as head
       from tminus.run where project = $1 and id > $2 and ($3::text is null or id = $3) order by id limit ${RUN_PAGE}`,
      [project, after, run ?? null],
    );
    for (const row of rows) {
      yield { kind: "run", ...row };
      yield* events(client, row.id);
    }
    if (rows.length < RUN_PAGE) break;
    after = rows.at(-1)!.id;
  }
  if (run !== undefined) return;
  const { rows: orphans } = await client.query<{ id: string }>(
    `select distinct run_id as id from tminus.event e
     where not exists (select 1 from tminus.run r where r.id = e.run_id) order by run_id`,
  );
  for (const { id } of orphans) yield* events(client, id);
}

async function* events(client: pg.PoolClient, run: string): AsyncGenerator<AuditEvent> {
  let after = -(2 ** 31);
  for (;;) {
    const { rows } = await client.query<Omit<AuditEvent, "kind">>(
      `select run_id as run, sequence, to_char(at at time zone 'UTC', ${TIME}) as at, type, actor, data, hash
       from tminus.event where run_id = $1 and sequence > $2 order by sequence limit ${PAGE}`,
      [run, after],
    );
    for (const row of rows) yield { kind: "event", ...row };
    if (rows.length < PAGE) return;
    after = rows.at(-1)!.sequence;
  }
}

async function* contents(client: pg.PoolClient, hashes: readonly string[]): AsyncGenerator<AuditEvidence> {
  for (let start = 0; start < hashes.length; start += EVIDENCE_PAGE) {
    const { rows } = await client.query<{ sha256: string; content: string | null; bytes: Buffer | null }>(
      "select sha256, content, bytes from tminus.evidence where sha256 = any($1) order by sha256",
      [hashes.slice(start, start + EVIDENCE_PAGE)],
    );
    for (const { sha256, content, bytes } of rows) {
      if (bytes === null) yield { kind: "evidence", sha256, content: content ?? "" };
      else yield { kind: "evidence", sha256, content: bytes.toString("base64"), encoding: "base64" };
    }
  }
}
