import { describe, expect, it } from "vitest";
import { compareWithLedger } from "../../../src/postgres/migrations/compare.ts";
import type { LedgerRow } from "../../../src/postgres/migrations/ledger.ts";
import type { Migration } from "../../../src/postgres/migrations/migration.ts";

const file = (version: string, checksum = "same"): Migration => ({
  format: "native",
  version,
  name: "x",
  file: `${version}_x.sql`,
  checksum,
  transactional: true,
  phase: "expand",
  allows: [],
  up: [],
});
const row = (version: string): LedgerRow => ({
  format: "native",
  version,
  name: "x",
  file: `${version}_x.sql`,
  checksum: "same",
  appliedAt: "2026-01-01T00:00:00Z",
  durationMs: 1,
  runKey: "run",
  transactional: true,
  downSql: null,
  downLine: null,
});

describe("compareWithLedger", () => {
  it("finds what is pending when the rest agrees", () => {
    const { pending, problems } = compareWithLedger([file("1"), file("2"), file("3")], [row("1")]);
    expect(pending.map(({ version }) => version)).toEqual(["2", "3"]);
    expect(problems).toEqual([]);
  });

  it("names an edited, a missing and an out-of-order file, each with what to do", () => {
    const { problems } = compareWithLedger([file("1", "other"), file("2"), file("4")], [row("1"), row("3")]);
    expect(problems.map(({ kind, file }) => [kind, file])).toEqual([
      ["edited", "1_x.sql"],
      ["missing", "3_x.sql"],
      ["out-of-order", "2_x.sql"],
    ]);
    expect(problems.map(({ fix }) => fix)).toEqual([
      "Restore 1_x.sql as it ran and put the change into a new migration.",
      "Put 3_x.sql back as it was, or deploy a release that has it.",
      "Rename 2_x.sql to a timestamp later than 3.",
    ]);
  });

  it("keeps files of the contract phase apart, and never calls them out of order", () => {
    const contract: Migration = { ...file("2"), phase: "contract" };
    const comparison = compareWithLedger([file("1"), contract, file("3")], [row("1"), row("3")]);
    expect(comparison).toEqual({ pending: [], contract: [contract], adoptable: [], problems: [] });
  });
});
