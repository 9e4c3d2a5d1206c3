import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/lib/clock.ts";
import { readPending, rehearsePending } from "../../../src/postgres/rehearse/rehearse-pending.ts";
import type { RehearsalPlace } from "../../../src/postgres/rehearse/rehearse.ts";
import { freshDatabase, type FreshDatabase } from "../../support/database.ts";
import { historySetup, layOutHistory } from "../../support/histories.ts";
import { testScratch } from "./world.ts";

const PLACES: [string, RehearsalPlace][] = [
  ["in this process", { tier: 0 }],
  ["on a scratch server", { tier: 1, scratch: testScratch() }],
];

let project: string;
let directory: string;
let database: FreshDatabase;
beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), "tminus-rehearse-histories-"));
  directory = await layOutHistory("native", project);
  await writeFile(join(project, "setup.sql"), historySetup);
  database = await freshDatabase();
});
afterAll(async () => {
  await database.drop();
  await rm(project, { recursive: true, force: true });
});

describe("a history of more than a hundred migrations", { timeout: 120_000 }, () => {
  it.each(PLACES)("is rehearsed up, down and up again %s", async (_where, place) => {
    const session = { connectionString: database.url, purpose: "look", statementTimeoutMs: 10_000 };
    const files = await readPending({ directory, format: "native", session });
    const rehearsal = await rehearsePending(files, session, {
      place,
      canaries: [],
      prelude: join(project, "setup.sql"),
      clock: systemClock,
      signal: new AbortController().signal,
      progress: () => undefined,
    });
    expect(rehearsal.files.length).toBeGreaterThanOrEqual(100);
    const wrong = rehearsal.files.filter(
      ({ outcome, roundTrip }) =>
        outcome !== "passed" ||
        roundTrip?.state !== "done" ||
        roundTrip.differences.length + roundTrip.upAgain.length > 0,
    );
    expect(wrong.map(({ file, sentence }) => `${file}: ${sentence}`)).toEqual([]);
  });
});
