import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { systemClock } from "../../../src/lib/clock.ts";
import { checkDrift, type DriftOutcome } from "../../../src/postgres/drift/check-drift.ts";
import { baselineOf } from "../../../src/postgres/drift/shadow-baseline.ts";
import { applyMigrations } from "../../../src/postgres/migrations/apply.ts";
import { discoverHistory } from "../../../src/postgres/migrations/read-history.ts";
import { testScratch } from "../../support/scratch.ts";
import { ensureRoles } from "./sample-schema.ts";
import { openDriftWorld } from "./world.ts";

const FIRST = `create table public.notes (id uuid primary key default gen_random_uuid(),
  owner uuid not null references auth.users (id), line text);
alter table public.notes enable row level security;
create policy own on public.notes for all to authenticated using ((select auth.uid()) = owner);
create role tminus_shadow_role;
`;

it("replays Supabase's files over a stand-in for the platform, whose schemas are not compared", async () => {
  const root = await mkdtemp(join(tmpdir(), "tminus-shadow-"));
  const directory = join(root, "supabase/migrations");
  await using world = await openDriftWorld();
  try {
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, "20260101000000_notes.sql"), FIRST);
    await ensureRoles(world.client, "anon", "authenticated", "service_role");
    await world.run(baselineOf("supabase").sql);
    await world.run(
      "create table auth.sessions (id uuid primary key); drop role if exists tminus_shadow_role",
    );
    const { format, migrations } = await discoverHistory(directory);
    expect(format).toBe("supabase");
    const signal = new AbortController().signal;
    await applyMigrations(migrations, {
      format,
      connectionString: world.url,
      fence: { environment: "production", token: 1 },
      runKey: "run-1/migrate",
      appliedBy: "ann",
      lockTimeoutMs: 1_000,
      lockRetries: 2,
      statementTimeoutMs: 20_000,
      clock: systemClock,
      signal,
      progress: () => undefined,
    });
    const check = (): Promise<DriftOutcome> =>
      checkDrift({
        connectionString: world.url,
        directory,
        format: "auto",
        expected: "files",
        ignore: [],
        exclude: [],
        scratch: testScratch,
        signal,
        progress: () => undefined,
      });
    expect(await check()).toMatchObject({ state: "compared", drift: [], notes: [] });
    await world.run("alter policy own on public.notes using (true)");
    expect(await check()).toMatchObject({
      drift: [
        { sentence: expect.stringMatching(/^policy public\.notes\.own: not as the files say/) as unknown },
      ],
      sql: {
        statements: [
          {
            sql: "alter policy own on public.notes to authenticated using ((( SELECT auth.uid() AS uid) = owner))",
          },
        ],
      },
    });
  } finally {
    await world.run("drop role if exists tminus_shadow_role");
    await rm(root, { recursive: true, force: true });
  }
});
