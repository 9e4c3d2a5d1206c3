import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lintArgv, lintScript } from "../../../src/postgres/lint/command-lint.ts";
import { lint } from "../../../src/postgres/lint/lint.ts";
import { readLintFile } from "../../../src/postgres/lint/lint-file.ts";
import { lintRules } from "../../../src/postgres/lint/registry.ts";
import type { JsonObject } from "../../../src/model/json.ts";
import { command } from "../../../src/steps/command.ts";
import { createFakeStepWorld } from "../../../src/testing/fake-step-context.ts";

/** What runbooks that people pass on have in their templates, and must not run. */

const TEMPLATE = `-- Migration: a column with an index
BEGIN;
ALTER TABLE users ADD COLUMN IF NOT EXISTS last_seen TIMESTAMPTZ;
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_users_last_seen ON users(last_seen);
DO $$
DECLARE
  batch_size INTEGER := 1000;
BEGIN
  LOOP
    UPDATE users SET last_seen = created_at
    WHERE id IN (SELECT id FROM users WHERE last_seen IS NULL LIMIT batch_size);
    EXIT WHEN NOT FOUND;
    COMMIT;
  END LOOP;
END $$;
COMMIT;
`;

async function found(sql: string): Promise<Record<string, { line: number; message: string; hint: string }>> {
  const { findings } = await lint([readLintFile("template.sql", sql, { transactional: false })], {
    rules: lintRules,
  });
  const blocking = findings.filter(({ severity }) => severity === "block");
  return Object.fromEntries(blocking.map(({ rule, line, message, hint }) => [rule, { line, message, hint }]));
}

describe("a template of a migration", () => {
  it("is refused for CONCURRENTLY between BEGIN and COMMIT, and for COMMIT in a DO block in there", async () => {
    expect(await found(TEMPLATE)).toMatchObject({
      "concurrently-in-transaction": {
        line: 4,
        message: expect.stringContaining("25001") as string,
        hint: expect.stringContaining("-- tminus: no-transaction") as string,
      },
      "commit-in-do": {
        line: 5,
        message: expect.stringContaining("2D000") as string,
        hint: expect.stringContaining("backfill") as string,
      },
    });
  });

  it("is refused for a duration that pg_stat_activity does not have, and for ending every session", async () => {
    const duration = await found(
      "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE duration > interval '5 minutes';",
    );
    expect(duration["unknown-statistics-column"]).toMatchObject({
      message: "pg_stat_activity has no column duration (42703)",
      hint: expect.stringContaining("clock_timestamp() - query_start") as string,
    });
    const all = await found(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'app' AND pid <> pg_backend_pid();",
    );
    expect(Object.keys(all)).toEqual(["end-every-backend"]);
  });
});

describe("a command of a runbook", () => {
  it.each([
    ["reset-of-a-remote-database", "supabase db reset --linked"],
    ["reset-of-a-remote-database", 'npx supabase@latest --debug db reset \\\n  --db-url "$URL" --version 1'],
    ["reset-of-a-remote-database", "cd app && npx prisma migrate reset --force"],
    ["restore-over-a-live-database", "psql $PRODUCTION_DB_URL < backups/pre-deploy-20260101-120000.sql"],
    ["restore-over-a-live-database", 'psql "$URL" <dump.sql'],
    ["restore-over-a-live-database", "psql --file=backup.sql $URL"],
    ["restore-over-a-live-database", "gunzip -c nightly.dump.gz | psql $URL"],
    ["restore-over-a-live-database", "pg_restore --clean --if-exists -d $URL before.tar"],
    ["restore-over-a-live-database", 'pg_restore -j 4 --dbname="$URL" before.dir'],
    ["restore-over-a-live-database", "pg_restore -f - before.custom | psql $URL"],
    ["restore-over-a-live-database", "pg_restore --clean --create -d postgres before.tar"],
    [
      "end-every-backend",
      `psql $URL -c "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'app'"`,
    ],
    [
      "end-every-backend",
      "psql $URL <<SQL\nSELECT 1;\nSELECT pg_terminate_backend(pid)\nFROM pg_stat_activity WHERE state = 'idle';\nSQL",
    ],
  ])("is refused: %s: %s", (rule, script) => {
    expect(lintScript(script).map((finding) => finding.rule)).toEqual([rule]);
    expect(lintArgv(["sh", "-c", script]).map((finding) => finding.rule)).toEqual([rule]);
    expect(lintScript(`# tminus: allow ${rule} a database of the tests\n${script}`)).toEqual([]);
    expect(lintScript(`# tminus: allow ${rule}\n${script}`)).toHaveLength(1);
  });

  it.each([
    "supabase db reset",
    "supabase db reset --local",
    "# supabase db reset --linked would lose everything",
    "supabase db push --linked",
    "echo supabase; git reset --linked",
    "psql $URL < seeds.sql",
    "psql $URL -f migrations/1_backfill.sql",
    "pg_dump $URL > backups/now.sql",
    "pg_dump $STAGING | psql $LOCAL",
    "pg_restore --list before.tar",
    "createdb restored && pg_restore -d restored before.tar",
    "createdb -O app restored\npsql restored < backups/now.sql",
    "pg_restore --create -d postgres before.tar",
    "psql $URL -c 'select pg_terminate_backend(pid) from pg_stat_activity where pid = 4711'",
    "psql $URL -c 'select pg_cancel_backend(b) from pg_stat_activity, unnest(pg_blocking_pids(pid)) b'",
    "tminus db restore nightly --into restored",
  ])("is not refused: %s", (script) => {
    expect(lintScript(script)).toEqual([]);
  });

  it("is found at its line", () => {
    const script = '#!/bin/sh\nset -e\n\nif [ -n "$1" ]; then\n  supabase \\\n    db reset --linked\nfi\n';
    expect(lintScript(script)).toMatchObject([{ line: 5 }]);
  });
});

describe("the step command", () => {
  const directory = mkdtempSync(join(tmpdir(), "tminus-lint-seeds-"));
  beforeAll(() => writeFileSync(join(directory, "restore.sh"), "set -e\npsql $URL < dump.sql\n"));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  async function blockedFor(settings: JsonObject) {
    const world = createFakeStepWorld({ projectDirectory: directory });
    const parsed = command.schema.parse(settings) as JsonObject;
    const facts = await command.gather!(world.planContext(parsed));
    return command.plan(world.planInput(parsed, facts)).blocked;
  }

  it("blocks the plan, with the right way instead", async () => {
    const undo = ["npx", "supabase", "db", "reset", "--linked"];
    expect(await blockedFor({ run: ["npm", "run", "push"], undo })).toEqual([
      {
        reason: "undo: it drops everything in the database and runs the migrations again: every row is lost",
        fix: expect.stringContaining("down sections") as string,
      },
    ]);
    expect(await blockedFor({ script: "restore.sh" })).toMatchObject([
      {
        reason: expect.stringMatching(/^restore\.sh:2: a dump over a database in use/) as string,
        fix: expect.stringContaining("tminus db restore") as string,
      },
    ]);
    expect(await blockedFor({ run: ["npm", "run", "push"] })).toEqual([]);
  });
});
