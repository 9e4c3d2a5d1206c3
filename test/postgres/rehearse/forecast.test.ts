import { describe, expect, it } from "vitest";
import {
  addForecasts,
  forecastLocks,
  forecastStatement,
  type Sizes,
} from "../../../src/postgres/rehearse/forecast.ts";
import type { Seen } from "../../../src/postgres/rehearse/rehearsal.ts";
import type { RanStatement } from "../../../src/postgres/rehearse/run-statements.ts";

const NOTHING: Seen = {
  locks: [],
  locksSeen: true,
  rewrites: [],
  truncated: [],
  dropped: [],
  indexes: [],
  validated: [],
  scans: [],
  rows: [],
  walBytes: 0,
};
const ran = (seen: Partial<Seen>, elapsedMs = 100, code = "alter table users …"): RanStatement => ({
  statement: { text: code, code, line: 1, column: 1 },
  elapsedMs,
  seen: { ...NOTHING, ...seen },
  piece: 0,
});
const sizes = (here: number, production: number | null): Sizes => ({
  here: new Map([["users", here]]),
  production: new Map([["users", production]]),
});
const SCAN = { scans: [{ relation: "users", tuples: 20_000 }] };

describe("the forecast of a statement", () => {
  it("grows with the rows of the tables that were read or written, and has a range", () => {
    expect(forecastStatement(ran(SCAN), sizes(20_000, 1_000_000))).toEqual({
      state: "estimated",
      lowMs: 1_250,
      likelyMs: 5_000,
      highMs: 15_000,
      basis: "measured on 20,000 rows, production has about 1,000,000",
    });
  });

  it("grows a little more for an index, which is sorted", () => {
    const built = { indexes: [{ index: "i", relation: "users", how: "built" as const, valid: true }] };
    const forecast = forecastStatement(ran(built), sizes(20_000, 1_000_000));
    expect(forecast).toMatchObject({
      likelyMs: expect.closeTo(5_000 * (Math.log(1e6) / Math.log(2e4)), 0) as number,
    });
  });

  it("does not grow for a change of the catalog, an index that is kept, or a table that is not in production", () => {
    const kept = { indexes: [{ index: "i", relation: "users", how: "reused" as const, valid: true }] };
    for (const seen of [{}, kept])
      expect(forecastStatement(ran(seen, 2), sizes(20_000, 9e9))).toMatchObject({
        likelyMs: 2,
        basis: "changes the catalog only",
      });
    const elsewhere: Sizes = { here: new Map(), production: new Map() };
    expect(forecastStatement(ran(SCAN, 2), elsewhere)).toMatchObject({ likelyMs: 2 });
  });

  it("goes by reference figures where too few rows were rehearsed, with a wide range", () => {
    expect(forecastStatement(ran(SCAN, 1), sizes(0, 10_000_000))).toMatchObject({
      lowMs: 240.3,
      likelyMs: 721,
      highMs: 7_210,
      basis: expect.stringContaining("reference figures for 10,000,000 rows") as string,
    });
  });

  it("says what it does not know", () => {
    expect(forecastStatement(ran(SCAN), sizes(20_000, null))).toMatchObject({
      state: "unknown",
      reason: expect.stringContaining("run ANALYZE users") as string,
    });
    expect(forecastStatement(ran(SCAN, 100, "do ''"), sizes(20_000, 1_000_000))).toMatchObject({
      state: "unknown",
    });
    const known = forecastStatement(ran({}), sizes(1, 1));
    expect(addForecasts([known, { state: "unknown", reason: "why" }])).toEqual({
      state: "unknown",
      reason: "why",
    });
  });
});

describe("the forecast of locks", () => {
  const estimate = (likelyMs: number) => forecastStatement(ran({}, likelyMs), sizes(1, 1));
  const statements = [
    {
      seen: { ...NOTHING, locks: [{ relation: "users", mode: "share update exclusive" }] },
      forecast: estimate(10),
      piece: 0,
    },
    {
      seen: { ...NOTHING, locks: [{ relation: "users", mode: "access exclusive" }] },
      forecast: estimate(20),
      piece: 0,
    },
    { seen: NOTHING, forecast: estimate(300), piece: 0 },
  ];

  it("holds the strongest one to the end of the transaction", () => {
    expect(forecastLocks(statements)).toMatchObject([
      { relation: "users", blocks: "reads and writes", held: { likelyMs: 320 } },
    ]);
  });

  it("holds it no longer than its piece of a file that is not one transaction", () => {
    const pieces = statements.map((statement, piece) => ({ ...statement, piece }));
    expect(forecastLocks(pieces)).toMatchObject([{ held: { likelyMs: 20 } }]);
  });
});
