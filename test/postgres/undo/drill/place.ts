import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { systemClock } from "../../../../src/lib/clock.ts";
import type { Json, JsonObject } from "../../../../src/model/json.ts";
import type { StepKind, StepResult } from "../../../../src/model/step-kind.ts";
import { dbBackfill } from "../../../../src/steps/db-backfill.ts";
import { dbContract } from "../../../../src/steps/db-contract.ts";
import { dbMigrate } from "../../../../src/steps/db-migrate.ts";
import { dbReadonly } from "../../../../src/steps/db-readonly.ts";
import { createFakeStepWorld, type FakeStepWorldOptions } from "../../../../src/testing/fake-step-context.ts";
import { SCHEMA, digestSql, type Digest } from "./journal.ts";

/** One step of a runbook. */
export interface Stage {
  kind: keyof typeof KINDS;
  /** Migration files that come with it. */
  files?: Record<string, string>;
  with?: JsonObject;
}

const KINDS = {
  migrate: dbMigrate as unknown as StepKind,
  contract: dbContract as unknown as StepKind,
  backfill: dbBackfill as unknown as StepKind,
  readonly: dbReadonly as unknown as StepKind,
};

export interface DrillPlace extends AsyncDisposable {
  url: string;
  directory: string;
  query<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>;
  digest(lines: string): Promise<Digest>;
  /** Forgets the migration files of the steps so far. */
  clearFiles(): Promise<void>;
  /** Plans and acts, and asserts that it verifies. */
  act(stage: Stage, key: string): Promise<Acted>;
}

/** A step that has acted. */
export interface Acted {
  stage: Stage;
  reason: string;
  undo(changes?: JsonObject): Promise<StepResult>;
  /** What another process needs to undo it. */
  undoInput: { kind: keyof typeof KINDS; settings: JsonObject; facts: Json; key: string };
}

/** A database with SCHEMA in it and a project folder. */
export async function openPlace(
  database: { url: string; drop(): Promise<void> },
  setup = "",
): Promise<DrillPlace> {
  const { url } = database;
  const directory = await mkdtemp(join(tmpdir(), "tminus-drill-"));
  await mkdir(join(directory, "migrations"));
  let client = await connect(url);
  await client.query(SCHEMA);
  await client.query(setup);
  const query = async <Row extends pg.QueryResultRow>(text: string, values: unknown[] = []) => {
    try {
      return (await client.query<Row>(text, values)).rows;
    } catch (error) {
      if (error instanceof pg.DatabaseError && error.code?.startsWith("57P0") !== true) throw error;
      // The server was killed; it only reads.
      client = await connect(url);
      return (await client.query<Row>(text, values)).rows;
    }
  };
  return {
    url,
    directory,
    query,
    digest: async (lines) =>
      (
        await query<{ rows: number; hash: string }>(
          lines.startsWith("select count") ? lines : digestSql(lines),
        )
      )[0]!,
    async clearFiles() {
      await rm(join(directory, "migrations"), { recursive: true });
      await mkdir(join(directory, "migrations"));
    },
    async act(stage, key) {
      for (const [file, text] of Object.entries(stage.files ?? {}))
        await writeFile(join(directory, "migrations", file), text);
      const kind = KINDS[stage.kind];
      const settings = kind.schema.parse(settingsOf(stage)) as JsonObject;
      const world = createFakeStepWorld({ ...worldOf({ url, directory }), key });
      const facts = (await kind.gather!(world.planContext(settings))) as Json;
      const forecast = kind.plan(world.planInput(settings, facts));
      assert.deepEqual(forecast.blocked, []);
      const acted = await kind.act(world.open(settings, facts).context);
      assert.equal(acted.outcome, "done", acted.reason);
      const verdict = await kind.verify!(world.open(settings, facts).context, acted.result);
      assert.equal(verdict.verdict, "pass", verdict.reason);
      return {
        stage,
        reason: acted.reason,
        undo: (changes = {}) =>
          kind.undo!(world.open({ ...settings, ...changes }, facts).context, acted.result),
        undoInput: { kind: stage.kind, settings, facts, key },
      };
    },
    async [Symbol.asyncDispose]() {
      await client.end().catch(() => undefined); // it may have been cut
      await database.drop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Undoes a step of another process in this one. */
export function undoStep(
  place: { url: string; directory: string },
  { kind, settings, facts, key }: Acted["undoInput"],
): Promise<StepResult> {
  const world = createFakeStepWorld({ ...worldOf(place), key });
  return KINDS[kind].undo!(world.open(settings, facts).context, undefined);
}

function settingsOf({ kind, with: settings = {} }: Stage): JsonObject {
  return kind === "migrate" || kind === "contract" ? { directory: "migrations", ...settings } : settings;
}

function worldOf({ url, directory }: { url: string; directory: string }): FakeStepWorldOptions {
  return {
    projectDirectory: directory,
    clock: systemClock,
    environment: { database: "env:DATABASE_URL" },
    secrets: { "env:DATABASE_URL": url },
    rollbackDatabase: "down",
  };
}

async function connect(url: string): Promise<pg.Client> {
  for (let tries = 0; ; tries++) {
    const client = new pg.Client({ connectionString: url, application_name: "referee" });
    client.on("error", () => undefined);
    try {
      await client.connect();
      return client;
    } catch (error) {
      if (tries > 1_000) throw error;
      await systemClock.sleep(20);
    }
  }
}
