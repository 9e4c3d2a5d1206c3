import { describe, expect, it } from "vitest";
import type { DatabaseHealth } from "../../../src/postgres/diagnose/health.ts";
import {
  coveragePercent,
  findBreach,
  foldHealth,
  initialHealth,
  type HealthLimits,
  type Look,
} from "../../../src/steps/database-watch/fold.ts";

const limits: HealthLimits = {
  maxConnectionsPercent: 95,
  maxSlowStatements: 2,
  maxBlockedSessions: 2,
  maxRollbackPercent: 10,
  minTransactions: 100,
  forMs: 10_000,
  everyMs: 5_000,
};
const fine: DatabaseHealth = {
  connectionsPercent: 10,
  slowStatements: 0,
  blockedSessions: 0,
  hiddenSessions: 0,
  committed: 0,
  rolledBack: 0,
};
const read = (change: Partial<DatabaseHealth> = {}): Look => ({ read: { ...fine, ...change } });
const full = read({ connectionsPercent: 96 });

/** One look every five seconds, unless a time is given. */
function watch(...looks: (Look | [Look, number])[]) {
  let state = initialHealth(0);
  for (const [index, one] of looks.entries()) {
    const [look, atMs] = Array.isArray(one) ? one : [one, index * 5_000];
    state = foldHealth(state, look, atMs, limits);
  }
  return state;
}

describe("the watch of a database", () => {
  it("breaks when a limit is exceeded for its whole time, and not before", () => {
    expect(findBreach(watch(full, full), limits)).toBeUndefined();
    expect(findBreach(watch(full, full, full), limits)).toBe(
      "connections in use (percent of the limit) above 95 for 10 s (up to 96)",
    );
    expect(findBreach(watch(full, read(), full), limits)).toBeUndefined();
  });

  it("takes neither silence nor a gap for proof of harm", () => {
    expect(findBreach(watch(full, { unread: "refused" }, full), limits)).toBeUndefined();
    expect(findBreach(watch(full, [full, 60_000]), limits)).toBeUndefined();
    expect(findBreach(watch(full, [full, 60_000], [full, 65_000], [full, 70_000]), limits)).toContain(
      "for 10 s",
    );
  });

  it("judges the share of rollbacks between two looks, from enough transactions", () => {
    const at = (committed: number, rolledBack: number): Look => read({ committed, rolledBack });
    expect(findBreach(watch(at(0, 0), at(100, 50), at(200, 100), at(300, 150)), limits)).toContain(
      "(percent) above 10 for 10 s",
    );
    expect(findBreach(watch(at(0, 0), at(20, 50), at(40, 59), at(60, 68)), limits)).toBeUndefined();
    expect(findBreach(watch(at(900, 900), at(0, 0), at(100, 50), at(200, 100)), limits)).toBeUndefined();
  });

  it("says how much of the window was seen", () => {
    expect(coveragePercent(watch(read(), { unread: "x" }, read(), read()), 20_000, 5_000)).toBe(75);
  });

  it("has not seen what the role may not see, though that can break a limit", () => {
    const veiled = read({ hiddenSessions: 3 });
    expect(coveragePercent(watch(veiled, veiled, veiled, veiled), 20_000, 5_000)).toBe(0);
    const veiledFull = read({ hiddenSessions: 3, connectionsPercent: 96 });
    expect(findBreach(watch(veiledFull, veiledFull, veiledFull), limits)).toContain("above 95 for 10 s");
  });
});
