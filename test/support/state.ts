import { systemClock } from "../../src/lib/clock.ts";
import type { Journal } from "../../src/model/journal.ts";
import type { Plan } from "../../src/model/plan.ts";
import { planHash } from "../../src/model/plan-hash.ts";
import { openJournal } from "../../src/store/journal.ts";
import { migrateStore } from "../../src/store/migrate.ts";
import { openNotifications } from "../../src/store/notifications.ts";
import { openPool, type Pool } from "../../src/store/pool.ts";
import { freshDatabase } from "./database.ts";

export interface TestState {
  url: string;
  pool: Pool;
  journal: Journal;
  drop(): Promise<void>;
}

/** A state database of its own, without the durable engine's tables. */
export async function freshState(): Promise<TestState> {
  const { url, drop } = await freshDatabase();
  await migrateStore(url, systemClock, async () => undefined);
  const pool = openPool(url, 8, () => undefined);
  const notifications = await openNotifications(url, systemClock);
  return {
    url,
    pool,
    journal: openJournal(pool, notifications),
    async drop() {
      await notifications.close();
      await pool.end();
      await drop();
    },
  };
}

/** A valid plan without steps. */
export function samplePlan(change: Partial<Plan> = {}): Plan {
  const content = {
    protocol: 1 as const,
    project: "sample",
    purpose: "deploy" as const,
    release: "v2",
    previousRelease: "v1",
    live: [{ release: "v1", percent: 100 }],
    environment: { name: "production", url: "http://127.0.0.1:1/", protected: false, targetKind: "fake" },
    rollback: { automatic: true, database: "keep" as const, cureMs: 0 },
    inputs: [],
    gates: [],
    stages: [],
    blocked: [],
    ...change,
  };
  return { ...content, hash: planHash(content), createdAt: "2026-01-01T00:00:00.000Z" };
}
