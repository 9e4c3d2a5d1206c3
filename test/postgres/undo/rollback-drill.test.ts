import { afterAll, describe, expect, it } from "vitest";
import { freshDatabase } from "../../support/database.ts";
import { KINDS } from "./drill/kinds.ts";
import { openPlace } from "./drill/place.ts";
import { BETWEEN, runKind, type DrillReport } from "./drill/run-kind.ts";

const reports: DrillReport[] = [];

describe("a rollback while clients of both releases write", () => {
  it.each(KINDS.map((kind) => ({ title: kind.title, kind })))("$title", async ({ kind }) => {
    await using place = await openPlace(await freshDatabase(), kind.setup);
    const report = await runKind(kind, place);
    reports.push(report);
    if (kind.refusesWrites !== true) expect(report.between).toBeGreaterThanOrEqual(BETWEEN);
  });

  it("has at least 13,000 writes between, over at least twelve kinds", () => {
    const withWrites = reports.filter(({ between }) => between >= BETWEEN);
    expect(withWrites.length).toBeGreaterThanOrEqual(12);
    expect(withWrites.reduce((sum, { between }) => sum + between, 0)).toBeGreaterThanOrEqual(13_000);
  });

  afterAll(() => {
    for (const { title, between, acknowledged, retries, announced } of reports)
      process.stdout.write(
        `${title}: ${between} writes between, ${acknowledged} in all, ${retries} retried${announced === "" ? "" : `; ${announced}`}\n`,
      );
  });
});
