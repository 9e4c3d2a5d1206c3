import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run } from "../../../src/lib/process.ts";
import { freshDatabase } from "../../support/database.ts";
import { FILES, writeHistory } from "./kill-matrix/history.ts";
import {
  driveMatrix,
  IS_FULL,
  makeStages,
  selectStages,
  type CreateDatabase,
  type Reached,
} from "./kill-matrix/stages.ts";

const CHILD = fileURLToPath(new URL("./kill-matrix/killed-child.ts", import.meta.url));
const MINUTES = 60_000;

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "tminus-kill-client-"));
  await writeHistory(directory);
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const databases: Awaited<ReturnType<CreateDatabase>>[] = [];
const create: CreateDatabase = async (template) => {
  const { url, drop } = await freshDatabase(template);
  const database = { name: new URL(url).pathname.slice(1), url, drop };
  databases.push(database);
  return database;
};
afterAll(async () => {
  for (const { drop } of databases) await drop();
});

/** One process that works on all of them, killed when each has come to its boundary. */
async function killClient(batch: readonly Reached[]): Promise<void> {
  const file = `${directory}-cases.json`;
  await writeFile(file, JSON.stringify(batch.map(({ killCase }) => killCase)));
  const ended = await run([process.execPath, CHILD, file, directory], {
    env: { PATH: process.env.PATH ?? "" },
    timeoutMs: MINUTES,
  });
  await rm(file);
  expect(ended.signalName, ended.output).toBe("SIGKILL");
}

const WHOLE = 10;
const scope = IS_FULL
  ? "at every boundary of a statement, forward and back"
  : `at every boundary of the files in pieces, forward and back, and of ${WHOLE} files that are one transaction (TMINUS_KILL_MATRIX=full: of all)`;

describe(`a history of ${FILES.length} files whose client is killed with SIGKILL`, () => {
  it(`is in the right state after one rerun, ${scope}`, { timeout: 10 * MINUTES }, async () => {
    const stages = selectStages(await makeStages(create, directory), { whole: WHOLE, withDown: true });
    const { kills, wrong } = await driveMatrix(stages, directory, { create, kill: killClient });
    process.stdout.write(`${kills} kills of the client, ${wrong.length} wrong\n`);
    expect(wrong).toEqual([]);
    expect(kills).toBeGreaterThan(300);
  });
});
