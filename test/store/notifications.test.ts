import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import { openNotifications } from "../../src/store/notifications.ts";
import { openPool, type Pool } from "../../src/store/pool.ts";
import { freshDatabase, type FreshDatabase } from "../support/database.ts";
import { eventually } from "../support/processes.ts";

let database: FreshDatabase;
let pool: Pool;

beforeAll(async () => {
  database = await freshDatabase();
  pool = openPool(database.url, 2, () => undefined);
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const OTHERS =
  "from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and query like 'listen%'";

async function countListening(): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(`select count(*)::int as count ${OTHERS}`);
  return rows[0]!.count;
}

describe("notifications", () => {
  it("reach those who subscribed to the channel, until they unsubscribe", async () => {
    const notifications = await openNotifications(database.url, systemClock);
    const heard: string[] = [];
    const unsubscribe = notifications.subscribe("tminus_run", (payload) => heard.push(payload));
    notifications.subscribe("tminus_event", (payload) => heard.push(`event ${payload}`));
    await pool.query("select pg_notify('tminus_run', 'r1'), pg_notify('tminus_event', 'r1')");
    await eventually("both are heard", () => heard.length === 2);
    unsubscribe();
    await pool.query("select pg_notify('tminus_run', 'r2'), pg_notify('tminus_event', 'r2')");
    await eventually("the other one is heard", () => heard.length === 3);
    expect(heard).toEqual(["r1", "event r1", "event r2"]);
    await notifications.close();
  });

  it("wake everybody once with nothing when a lost connection is back, and go on; again and again", async () => {
    const notifications = await openNotifications(database.url, systemClock);
    const heard: string[] = [];
    notifications.subscribe("tminus_signal", (payload) => heard.push(payload));
    for (let round = 1; round <= 2; round++) {
      await pool.query(`select pg_terminate_backend(pid) ${OTHERS}`);
      await eventually("it wakes", () => heard.length === 2 * round - 1);
      await pool.query("select pg_notify('tminus_signal', 'r1')");
      await eventually("it hears again", () => heard.length === 2 * round);
      expect(heard.slice(-2)).toEqual(["", "r1"]);
      expect(await countListening()).toBe(1);
    }
    await notifications.close();
    await eventually("nothing is left", async () => (await countListening()) === 0);
  });

  it("leave no connection when they are closed while theirs is away", async () => {
    const notifications = await openNotifications(database.url, systemClock);
    await pool.query(`select pg_terminate_backend(pid) ${OTHERS}`);
    await notifications.close();
    await eventually("nothing is left", async () => (await countListening()) === 0);
  });
});
