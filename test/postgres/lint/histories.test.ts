import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Finding } from "../../../src/postgres/lint/finding.ts";
import { lintFolder } from "../../../src/postgres/lint/lint-migrations.ts";
import { lintRules } from "../../../src/postgres/lint/registry.ts";
import { judgeFindings } from "../../../src/postgres/rehearse/judge-findings.ts";
import type { Rehearsal } from "../../../src/postgres/rehearse/rehearsal.ts";
import { historyEntries, layOutHistory } from "../../support/histories.ts";
import { hazardsOf, watchHistory } from "./watched-history.ts";

/** What the made-up rows do not look like. */
const MEND = {
  slug_format: "update organizations set slug = replace(slug, ' ', '-')",
  demo_pipeline: "delete from pipeline_stages",
  payment_provider_bank: `delete from "Payment" where provider = 'VOUCHER'`,
  review_stars_check: `update "Review" set stars = 1 + stars % 5`,
  storefront_backfill: `delete from "Storefront"`,
};

let project: string;
beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), "tminus-lint-histories-"));
});
afterAll(() => rm(project, { recursive: true, force: true }));

async function lintHistory(format: "native" | "supabase" | "prisma") {
  const directory = await layOutHistory(format, join(project, format));
  return { directory, ...(await lintFolder({ directory, format })) };
}

/** "create_deals:3 deals" below its rule, as the SQL of the migration alone counts its lines. */
function table(findings: readonly Finding[], headOf: (name: string) => number): string {
  const entries = new Map<string, string[]>();
  for (const { severity, rule, file, line, relation = "" } of findings) {
    const name = nameOf(file);
    const found = `${name}:${line - headOf(name)} ${relation}`.trim();
    const title = `${severity} ${rule}`;
    entries.set(title, [...(entries.get(title) ?? []), found]);
  }
  const titles = [...entries.keys()].toSorted();
  return titles.map((title) => [title, ...entries.get(title)!].join("\n  ")).join("\n") + "\n";
}

function nameOf(file: string): string {
  return file.replace(/^\d+_/, "").replace(/(\.sql|\/migration\.sql)$/, "");
}

const WITHOUT_HEAD = (): number => 0;

describe("histories of more than a hundred migrations that were not written for the rules", () => {
  it("have in Supabase's format exactly the hazards that people find in them", async () => {
    const { findings, files } = await lintHistory("supabase");
    expect(files).toBe(historyEntries("supabase").length);
    await expect(table(findings, WITHOUT_HEAD)).toMatchFileSnapshot("goldens/history-of-supabase.txt");
  });

  it("have the same in our own format", async () => {
    const concurrent = new Set(
      historyEntries("native").flatMap(({ name, up }) => (/\bconcurrently\b/i.test(up) ? [name] : [])),
    );
    const { findings } = await lintHistory("native");
    const head = (name: string): number => (concurrent.has(name) ? 2 : 1);
    await expect(table(findings, head)).toMatchFileSnapshot("goldens/history-of-supabase.txt");
  });

  it("have in Prisma's format exactly the hazards that people find in them", async () => {
    const { findings, files } = await lintHistory("prisma");
    expect(files).toBe(historyEntries("prisma").length);
    await expect(table(findings, WITHOUT_HEAD)).toMatchFileSnapshot("goldens/history-of-prisma.txt");
  });
});

describe.each(["native", "prisma"] as const)("on a real server, %s", (format) => {
  let findings: Finding[];
  let watched: Rehearsal;
  beforeAll(async () => {
    const linted = await lintHistory(format);
    findings = linted.findings;
    watched = await watchHistory(linted.directory, MEND);
  }, 60_000);

  it("every lock, scan and rewrite that is found was seen", () => {
    const judged = judgeFindings(findings, lintRules, watched);
    const told = judged.map(
      ({ verdict, reason, finding: { file, line, rule } }) =>
        `${verdict} ${nameOf(file)}:${line} ${rule}: ${reason}`,
    );
    expect(told.filter((text) => text.startsWith("dismissed"))).toEqual([]);
    expect(told.filter((text) => text.startsWith("confirmed")).length).toBeGreaterThanOrEqual(80);
  });

  it("everything that was seen to keep a table from its users for long is found", () => {
    const seen = watched.files.flatMap(({ file, statements }) =>
      hazardsOf(statements).map(({ line, text }) => ({ file, line, text })),
    );
    expect(seen.length).toBeGreaterThanOrEqual(20);
    const missed = seen.filter(
      ({ file, line }) =>
        !findings.some((each) => each.file === file && each.line === line && each.severity !== "note"),
    );
    expect(missed).toEqual([]);
  });
});
