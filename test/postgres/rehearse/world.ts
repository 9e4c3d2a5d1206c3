import pg from "pg";
import { openScratch } from "../../../src/compose/scratch.ts";
import { systemClock } from "../../../src/lib/clock.ts";
import type { ScratchServer } from "../../../src/model/ports.ts";
import type { Migration } from "../../../src/postgres/migrations/migration.ts";
import { parseMigration } from "../../../src/postgres/migrations/parse-migration.ts";
import { readProduction } from "../../../src/postgres/rehearse/production.ts";
import { rehearse } from "../../../src/postgres/rehearse/rehearse.ts";
import type { RehearsalPlace } from "../../../src/postgres/rehearse/rehearse.ts";
import type { Rehearsal } from "../../../src/postgres/rehearse/rehearsal.ts";
import { freshDatabase } from "../../support/database.ts";

/** A database that stands for production: what has run in it, and what it has rows of. */
export interface ProductionLike extends AsyncDisposable {
  url: string;
  query(sql: string): Promise<void>;
  rehearse(pending: readonly Migration[], options?: RehearseChoice): Promise<Rehearsal>;
}

export interface RehearseChoice {
  place?: RehearsalPlace;
  canaries?: string[];
}

export async function openProduction(history: readonly Migration[], rows = ""): Promise<ProductionLike> {
  const database = await freshDatabase();
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  for (const { up } of history) for (const { text } of up) await client.query(text);
  await client.query(`${rows}; analyze`);
  return {
    url: database.url,
    query: async (sql) => void (await client.query(sql)),
    async rehearse(pending, { place, canaries = [] } = {}) {
      const { signal } = new AbortController();
      return rehearse({
        history,
        pending,
        production: await readProduction({
          connectionString: database.url,
          purpose: "look",
          statementTimeoutMs: 10_000,
        }),
        canaries,
        place: place ?? { tier: 1, scratch: testScratch() },
        clock: systemClock,
        signal,
        progress: () => undefined,
      });
    },
    async [Symbol.asyncDispose]() {
      await client.end();
      await database.drop();
    },
  };
}

/** On the server of this test run. */
export function testScratch(): ScratchServer {
  return openScratch({ TMINUS_SCRATCH_URL: process.env.TMINUS_TEST_POSTGRES });
}

let versions = 100;

/** A migration file: its up statements, and down when there is one. */
export function file(up: string, down?: string, directive = ""): Migration {
  versions++;
  const text = `${directive}-- tminus: up\n${up};\n${down === undefined ? "" : `-- tminus: down\n${down};\n`}`;
  const parsed = parseMigration(`${versions}_change.sql`, text);
  if ("problems" in parsed) throw new Error(parsed.problems.join("\n"));
  return parsed.migration;
}

export const outside = (up: string, down?: string): Migration =>
  file(up, down, "-- tminus: no-transaction\n");
