import { join } from "node:path";
import { spawn, type ChildProcess } from "node:child_process";
import pg from "pg";
import { expect, it } from "vitest";
import { openWorld, WRONG, type BackfillWorld } from "./world.ts";

const KILLS = 20;
const ROWS = 100_000;
const CHILD = join(import.meta.dirname, "backfill-child.ts");
/** Small batches, so that there is much to be killed in. */
const SETTINGS = { table: "users", set: { handle: "lower(email)" }, batchPages: 1, trigger: "keep" };

/** A fixed sequence of numbers from 0 to 1. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 1_103_515_245 + 12_345) % 2_147_483_648) / 2_147_483_648;
}

/** Writes rows that lack the value, new ones and old ones, until it is stopped; answers how many. */
function startWriter(world: BackfillWorld, from: number): () => Promise<number> {
  const stopping = new AbortController();
  let written = 0;
  const random = seeded(from);
  const writing = (async () => {
    const client = new pg.Client({ connectionString: world.url });
    await client.connect();
    while (!stopping.signal.aborted) {
      const id = 1 + Math.floor(random() * ROWS);
      await client.query("update users set email = 'Changed-' || $1::int || '@Example.com' where id = $2", [
        written,
        id,
      ]);
      await client.query(
        "insert into users (id, email) values ($1::int, 'New-' || $1::int || '@Example.com')",
        [from + written],
      );
      written++;
    }
    await client.end();
  })();
  return async () => {
    stopping.abort();
    await writing;
    return written;
  };
}

const start = (url: string): ChildProcess =>
  spawn(process.execPath, [CHILD, url, JSON.stringify(SETTINGS)], { stdio: ["ignore", "ignore", "inherit"] });
const ended = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => child.once("exit", (code) => resolve(code)));

it(
  "misses no row and fills none wrongly, killed twenty times beside writers",
  { timeout: 180_000 },
  async () => {
    await using world = await openWorld(ROWS);
    const stops = [startWriter(world, 1_000_000), startWriter(world, 2_000_000)];
    const random = seeded(7);
    const position = async (): Promise<string> => {
      const [there] = await world.query<{ there: boolean }>(
        "select to_regclass('tminus.backfill') is not null as there",
      );
      if (there?.there !== true) return "";
      const [row] = await world.query<{ at: string }>(
        "select state || leaf || '/' || page as at from tminus.backfill",
      );
      return row?.at ?? "";
    };
    for (let kill = 0; kill < KILLS; kill++) {
      const child = start(world.url);
      const exit = ended(child);
      const before = await position();
      // Killed at a random moment after it has moved on.
      for (const moves = Math.floor(random() * 3), seen = new Set([before]); seen.size <= moves;) {
        seen.add(await position());
        if (child.exitCode !== null) break;
      }
      child.kill("SIGKILL");
      expect(await exit, `kill ${kill}: it had ended by itself`).toBeNull();
    }
    const last = await ended(start(world.url));
    const written = await Promise.all(stops.map((stop) => stop()));
    expect(last).toBe(0);
    expect(Math.min(...written)).toBeGreaterThan(0);
    expect(await world.query("select state from tminus.backfill")).toEqual([{ state: "done" }]);
    // The trigger was kept: every row, the new ones too, has the value that its e-mail asks for.
    expect(await world.query(WRONG)).toEqual([{ wrong: 0 }]);
    process.stdout.write(
      `${KILLS} kills, ${written.join(" and ")} writes of two writers, 0 missed, 0 wrong\n`,
    );
  },
);
