import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import { isMigrated, migrateStore } from "../../src/store/migrate.ts";
import { openClient } from "../../src/store/pool.ts";
import { freshDatabase, type FreshDatabase } from "../support/database.ts";

let database: FreshDatabase;
afterEach(() => database.drop());

async function isReady(): Promise<boolean> {
  const client = await openClient(database.url);
  try {
    return await isMigrated(client);
  } finally {
    await client.end();
  }
}

describe("migrateStore", () => {
  it("is not done before the engine's own migrations are, so that a crash between them leaves nothing out", async () => {
    database = await freshDatabase();
    const dying = migrateStore(database.url, systemClock, async () => {
      expect(await isReady()).toBe(false);
      throw new Error("killed");
    });
    await expect(dying).rejects.toThrow("killed");
    expect(await isReady()).toBe(false);
    let engine = 0;
    await migrateStore(database.url, systemClock, async () => void engine++);
    expect([await isReady(), engine]).toEqual([true, 1]);
  });

  it("is done by one process at a time when several start on an empty database", async () => {
    database = await freshDatabase();
    let inside = 0;
    let most = 0;
    const migrate = (): Promise<void> =>
      migrateStore(database.url, systemClock, async () => {
        most = Math.max(most, ++inside);
        await systemClock.sleep(20);
        inside--;
      });
    await Promise.all([migrate(), migrate(), migrate()]);
    expect(most).toBe(1);
    expect(await isReady()).toBe(true);
  });
});
