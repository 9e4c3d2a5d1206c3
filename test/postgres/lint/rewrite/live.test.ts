import pg from "pg";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../../../src/lib/clock.ts";
import { backfillSchema } from "../../../../src/model/backfill.ts";
import { runBackfill } from "../../../../src/postgres/backfill/run-backfill.ts";
import { readLintFile } from "../../../../src/postgres/lint/lint-file.ts";
import { lintRules } from "../../../../src/postgres/lint/registry.ts";
import type { Piece } from "../../../../src/postgres/lint/rewrite/piece.ts";
import { rewriteFile } from "../../../../src/postgres/lint/rewrite/rewrite-file.ts";
import { freshDatabase } from "../../../support/database.ts";

const ROWS = 3000;
const WORKERS = 4;

/** What a release says: the column that it knows, and how a value looks to it. */
interface Release {
  column: string;
  value: (number: number) => unknown;
}

interface Change {
  before: string;
  migration: string;
  old: Release;
  /** Runs beside the old one from the end of the backfill to the contract phase. */
  next: Release;
  /** Runs alone while the contract files are applied, and after. */
  last: Release;
}

const CHANGES: Record<string, Change> = {
  "a change of type": {
    before: `create table accounts (id bigint primary key, points integer not null default 0);
create index accounts_points on accounts (points);`,
    migration: "alter table accounts alter column points type bigint;",
    old: { column: "points", value: (number) => number },
    next: { column: "points_new", value: (number) => number },
    last: { column: "points", value: (number) => number },
  },
  "a column under another name": {
    before: `create table accounts (id bigint primary key, name text not null default '');
create unique index accounts_name on accounts (name) where name <> '';`,
    migration: "alter table accounts rename column name to full_name;",
    old: { column: "name", value: (number) => `n${number}` },
    next: { column: "full_name", value: (number) => `n${number}` },
    last: { column: "full_name", value: (number) => `n${number}` },
  },
};

describe.each(Object.entries(CHANGES))("%s", (_, change) => {
  it("loses no write of the releases that run side by side, and each reads what was written at every stage", async () => {
    const database = await freshDatabase();
    const clients: pg.Client[] = [];
    const connect = async (): Promise<pg.Client> => {
      const client = new pg.Client({ connectionString: database.url });
      clients.push(client);
      await client.connect();
      return client;
    };
    try {
      const pieces = await piecesOf(change);
      const admin = await connect();
      await admin.query(change.before);
      const value = typeof change.old.value(1) === "number" ? "n" : "'n' || n";
      await admin.query(
        `insert into accounts (id, ${change.old.column}) select n, ${value} from generate_series(1, ${ROWS}) n`,
      );
      const workers = await Promise.all(
        Array.from({ length: WORKERS }, async (_each, number) => new Worker(number, await connect())),
      );
      const contract = pieces.findIndex((piece) => piece.kind === "file" && piece.phase === "contract");
      expect(contract).toBeGreaterThan(0);

      await beside(workers, [change.old], async () => {
        for (const piece of pieces.slice(0, contract)) await run(piece, admin, database.url);
      });
      await beside(workers, [change.old, change.next], (ended) => enough(workers, 60, ended));
      await beside(workers, [change.last], async (ended) => {
        // The release that is about to go has ended; the last one goes on through all of it.
        for (const piece of pieces.slice(contract)) await run(piece, admin, database.url);
        await enough(workers, 20, ended);
      });

      const { rows } = await admin.query<{ id: string; value: unknown }>(
        `select id::text as id, ${change.last.column} as value from accounts`,
      );
      const expected = new Map<number, number>(Array.from({ length: ROWS }, (_each, n) => [n + 1, n + 1]));
      for (const worker of workers) for (const [id, number] of worker.written) expected.set(id, number);
      expect(rows.length).toBe(expected.size);
      const wrong = rows.filter(
        ({ id, value: found }) => String(found) !== String(change.last.value(expected.get(Number(id))!)),
      );
      expect(wrong).toEqual([]);
    } finally {
      await Promise.allSettled(clients.map((client) => client.end()));
      await database.drop();
    }
  });
});

/** Writes rows of its own and reads each by every release that runs. */
class Worker {
  readonly written = new Map<number, number>();
  done = 0;
  #turn = 0;
  readonly #number: number;
  readonly #client: pg.Client;

  constructor(number: number, client: pg.Client) {
    this.#number = number;
    this.#client = client;
  }

  async step(releases: readonly Release[]): Promise<void> {
    this.#turn++;
    const turn = this.#turn;
    const isNew = turn % 5 === 0;
    const id = isNew
      ? ROWS + turn * WORKERS + this.#number
      : 1 + (((turn * 7919) % Math.floor(ROWS / WORKERS)) * WORKERS + this.#number);
    const number = 1_000_000 + turn * WORKERS + this.#number;
    const { column, value } = releases[turn % releases.length]!;
    await this.#client.query(
      isNew
        ? `insert into accounts (id, ${column}) values ($1, $2)`
        : `update accounts set ${column} = $2 where id = $1`,
      [id, value(number)],
    );
    this.written.set(id, number);
    for (const release of releases) {
      const { rows } = await this.#client.query<{ value: unknown }>(
        `select ${release.column} as value from accounts where id = $1`,
        [id],
      );
      expect(rows.map((row) => String(row.value))).toEqual([String(release.value(number))]);
    }
    this.done++;
  }
}

/** Lets the workers go on while something is done; what fails in either is thrown. */
async function beside(
  workers: readonly Worker[],
  releases: readonly Release[],
  work: (ended: AbortSignal) => Promise<void>,
): Promise<void> {
  const ended = new AbortController();
  const running = workers.map(async (worker) => {
    while (!ended.signal.aborted) await worker.step(releases);
  });
  const failing = Promise.all(running);
  try {
    await Promise.race([work(ended.signal), failing]);
  } finally {
    ended.abort();
  }
  await failing;
}

/** Until each worker has done so many more, or one of them has failed. */
async function enough(workers: readonly Worker[], more: number, ended: AbortSignal): Promise<void> {
  const goals = workers.map(({ done }) => done + more);
  while (!ended.aborted && workers.some(({ done }, index) => done < goals[index]!))
    await new Promise((resolve) => setImmediate(resolve));
}

async function piecesOf({ before, migration }: Change): Promise<Piece[]> {
  const earlier = [readLintFile("1.sql", before)];
  const rewritten = await rewriteFile(earlier, readLintFile("2.sql", migration), { rules: lintRules });
  if (rewritten === undefined || "reason" in rewritten) throw new Error(JSON.stringify(rewritten));
  return rewritten.pieces;
}

async function run(piece: Piece, client: pg.Client, url: string): Promise<void> {
  if (piece.kind === "file") {
    await client.query(piece.transactional ? `begin; ${piece.sql} commit;` : piece.sql);
    return;
  }
  await runBackfill(backfillSchema.parse(piece.backfill), {
    connectionString: url,
    fence: { environment: "production", token: 1 },
    runKey: "run/step",
    startedBy: "ann",
    clock: systemClock,
    signal: new AbortController().signal,
    progress: () => undefined,
  });
}
