import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freshState, samplePlan, type TestState } from "../support/state.ts";
import { applicationRole, type ApplicationRole } from "../support/application-role.ts";
import { uncheckedActor } from "../../src/model/actor.ts";
import { openClient, type Client } from "../../src/store/pool.ts";
import { readLock, unlock } from "../../src/store/locks.ts";
import { addOverride, endOverrides } from "../../src/store/overrides.ts";
import { createRun, sendSignal } from "../../src/store/runs.ts";

let state: TestState;
let role: ApplicationRole;
let client: Client;
let evidence = "";

beforeAll(async () => {
  state = await freshState();
  await createRun(state.pool, { id: "r1", plan: samplePlan(), context: {}, startedBy: "mia" });
  const answer = await state.journal.takeLease("r1", "w");
  if (answer.state !== "taken") throw new Error("the environment is held");
  await sendSignal(state.pool, "r1", "mia", { kind: "hold", note: "" });
  evidence = await state.journal.saveEvidence("a proof");
  const lock = { release: "v2", reason: "errors", hadTraffic: true };
  const end = { verdict: "verified", reason: "", at: "" } as const;
  await state.journal.endRun({ runId: "r1", token: answer.token }, "rolled-back", end, {}, lock);
  const open = await readLock(state.pool, "sample", "production");
  await unlock(state.pool, open!, uncheckedActor("ann"), "fixed");
  const override = { environment: "production", gate: "audit", reason: "away" };
  await addOverride(state.pool, "sample", { ...override, forMs: 60_000 }, uncheckedActor("ann"));
  await endOverrides(state.pool, "sample", override, uncheckedActor("ben"));
  role = await applicationRole(state.url);
  client = await openClient(role.url);
});
afterAll(async () => {
  await client.end();
  await role.drop();
  await state.drop();
});

/** Ways of changing history by statements that any writer of the tables could give. */
const CHANGES: readonly string[] = [
  ...["event", "evidence", "signal", "audit_entry"].flatMap((table) => [
    `delete from tminus.${table}`,
    `truncate tminus.${table} cascade`,
  ]),
  "update tminus.event set data = '{}' where run_id = 'r1' and sequence = 1",
  "update tminus.event set data = data",
  "update tminus.evidence set content = 'another'",
  "update tminus.signal set actor = 'tom'",
  "update tminus.audit_entry set actor = 'tom'",
  "insert into tminus.event (run_id, sequence, at, type, actor, data, hash) select run_id, sequence, at, 'x', actor, data, hash from tminus.event on conflict (run_id, sequence) do update set type = excluded.type",
  "delete from tminus.run",
  "truncate tminus.run cascade",
  "update tminus.run set plan = plan",
  "update tminus.run set plan_hash = ''",
  "update tminus.run set context = '{}'",
  "update tminus.run set created_by = 'tom'",
  "update tminus.run set release = 'v9'",
  "update tminus.run set previous_release = 'v9'",
  "update tminus.run set purpose = 'rollback'",
  "update tminus.run set is_emergency = true",
  "update tminus.run set created_at = now()",
  "update tminus.run set environment = 'staging'",
  "update tminus.run set head_sequence = 1, head_hash = ''",
  "update tminus.run set head_hash = ''",
  "update tminus.run set outcome = 'succeeded'",
  "update tminus.run set verdict = null",
  "delete from tminus.audit_head",
  "update tminus.audit_head set sequence = sequence - 1",
  "update tminus.audit_head set hash = ''",
  "delete from tminus.environment_lock",
  "update tminus.environment_lock set reason = ''",
  "update tminus.environment_lock set unlocked_by = 'tom'",
  "delete from tminus.override",
  "update tminus.override set reason = ''",
  "update tminus.override set ended_by = 'tom'",
  "set session_replication_role = replica; update tminus.event set data = '{}'",
];

/** What is left to who may not do any of that: getting rid of what refuses. */
const GETTING_AROUND: readonly string[] = [
  "set session_replication_role = replica",
  "alter table tminus.event disable trigger append_only",
  "alter table tminus.event disable trigger all",
  "drop trigger append_only on tminus.event",
  "drop table tminus.event cascade",
  "drop schema tminus cascade",
  "alter table tminus.event drop column hash",
  "alter table tminus.event rename to gone",
  "create or replace function tminus.refuse_change() returns trigger language plpgsql as 'begin return new; end'",
  "create or replace function tminus.append_event(p_run text, p_type text, p_actor text, p_data text) returns integer language sql as 'select 1'",
  "alter function tminus.append_event(text, text, text, text) security invoker",
  "create function tminus.mine() returns int language sql as 'select 1'",
  "create rule r as on update to tminus.event do instead nothing",
  "create trigger t before insert on tminus.event for each row execute function tminus.refuse_change()",
  "select tminus.append_event('r1', 'run.ended', 'tom', '{}')",
  "select tminus.append_audit('sample', 'run.ended', 'r1', 'tom', '{}')",
  "select tminus.grant_application(current_user)",
  "insert into tminus.event (run_id, sequence, at, type, actor, data, hash) values ('r1', 99, now(), 'x', 'tom', '{}', '')",
  "insert into tminus.audit_entry (project, sequence, at, type, subject, actor, data, previous, hash) values ('sample', 99, now(), 'x', 'r1', 'tom', '{}', '', '')",
  "update tminus.environment_lease set token = 0",
  "update tminus.run set state = 'running'",
  "do $$ begin execute format('set role %I', (select nspowner::regrole from pg_namespace where nspname = 'tminus')); end $$",
  "alter role current_user superuser",
];

async function refusalOf(connection: Pick<Client, "query">, sql: string): Promise<string | undefined> {
  try {
    await connection.query(`begin; ${sql}`);
    return undefined;
  } catch (error) {
    return String((error as { code?: unknown }).code);
  } finally {
    await connection.query("rollback");
  }
}

describe("what has been written down", () => {
  it.each(CHANGES)(
    "is refused to be changed, by the owner and by the application's role: %s",
    async (sql) => {
      const owner = await openClient(state.url);
      try {
        expect(await refusalOf(owner, sql)).toBe("42501");
        expect(await refusalOf(client, sql)).toBe("42501");
      } finally {
        await owner.end();
      }
    },
  );

  it("is kept by content: evidence under another name is refused", async () => {
    const sql = `insert into tminus.evidence (sha256, content) values ('${"0".repeat(64)}', 'a proof')`;
    expect(await refusalOf(client, sql)).toBe("23514");
    expect(evidence).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe("the application's role", () => {
  it.each(GETTING_AROUND)("is denied: %s", async (sql) => {
    expect(await refusalOf(client, sql)).toBe("42501");
  });

  it("may read everything, and hold its place as a worker", async () => {
    for (const table of ["run", "event", "evidence", "signal", "audit_entry", "attempt", "environment_lock"])
      expect(await refusalOf(client, `select * from tminus.${table}`)).toBeUndefined();
    expect(
      await refusalOf(client, "update tminus.environment_lease set heartbeat_at = now()"),
    ).toBeUndefined();
  });

  it("is refused as one when it could act as the owner anyway", async () => {
    await expect(state.pool.query("select tminus.grant_application(current_user::name)")).rejects.toThrow(
      /may act as the owner/,
    );
  });
});
