import * as z from "zod";
import { findInside } from "../lib/script-file.ts";
import { defineGate } from "./define.ts";
import { sayNames } from "./say-names.ts";
import type { GateVerdict } from "../model/gate-kind.ts";
import { unknown } from "./unknown.ts";

const SIZE = /^\d+(\.\d+)?\s?(B|kB|MB)$/;

const sizeSchema = z
  .string()
  .regex(SIZE, 'is not a size: write it like "250 kB" or "1.5 MB" (1 kB = 1000 bytes)')
  .meta({ pattern: SIZE.source });

const budgetSchema = z
  .strictObject({
    files: z.string().min(1).describe("Files from the folder, * stands for anything: assets/*.js"),
    raw: sizeSchema.optional().describe("The most that all of them together may have on disk: 1.5 MB"),
    gzip: sizeSchema
      .optional()
      .describe("The most that all of them together may have, each compressed: 250 kB"),
    growth: z
      .number()
      .min(0)
      .max(1000)
      .optional()
      .describe(
        "The most percent by which they may have grown since the folder of previous; compressed when gzip is given",
      ),
  })
  .refine(
    ({ raw, gzip, growth }) => raw !== undefined || gzip !== undefined || growth !== undefined,
    "sets no limit: write raw, gzip or growth",
  );

const schema = z
  .strictObject({
    directory: z.string().min(1).describe("Folder in the project that was built; may hold {release}"),
    previous: z
      .string()
      .min(1)
      .optional()
      .describe("Folder of the release before, to compare with; may hold {previous}"),
    budgets: z.array(budgetSchema).min(1).max(100).describe("Limits, each for some of the files"),
  })
  .refine(
    ({ previous, budgets }) => previous !== undefined || budgets.every(({ growth }) => growth === undefined),
    {
      error: "growth needs previous: the folder to compare with",
      path: ["previous"],
    },
  );

type With = z.output<typeof schema>;
type Budget = With["budgets"][number];

/** Passes when what was built is no larger than its budgets. */
export const bundleSize = defineGate({
  kind: "bundle.size",
  summary: "Passes when the files that were built are within their budgets, on disk and compressed.",
  requirements: ["B5"],
  notes: [
    "Each file is compressed by itself with gzip, level 9. A budget that fits no file leaves the gate undecided: nothing was measured. Links are not followed.",
  ],
  schema,
  example:
    'directory: dist/assets\nprevious: "releases/{previous}/dist/assets"\nbudgets:\n  - files: "*.js"\n    gzip: 250 kB\n    growth: 10\n',

  async check(context): Promise<GateVerdict> {
    const { measure } = await import("./bundle/measure.ts");
    const { directory, previous, budgets } = context.with;
    const folder = findInside(context.projectDirectory, directory);
    if (folder.state === "refused")
      return unknown(folder.reason, "build first, or name the folder that was built");
    // The release before the first one has no name.
    const isFirst = previous?.includes("{previous}") === true;
    const before =
      previous === undefined || isFirst ? undefined : findInside(context.projectDirectory, previous);
    if (before?.state === "refused") return unknown(before.reason, "name the folder of the release before");

    const lines: BudgetLine[] = [];
    for (const budget of budgets) {
      context.progress(`measuring ${budget.files}`);
      const now = await measure(folder.file, budget.files, context.signal);
      if (now.files === 0)
        return unknown(`no file in ${directory} fits ${budget.files}`, "build first, or correct the pattern");
      const then =
        before === undefined ? undefined : await measure(before.file, budget.files, context.signal);
      if (budget.growth !== undefined && then?.files === 0)
        return unknown(
          `no file in ${previous} fits ${budget.files}`,
          "name the folder of the release before",
        );
      lines.push(hold(budget, now, then));
    }
    const evidence = {
      budgets: lines.map(({ files, count, rawBytes, gzipBytes }) => ({ files, count, rawBytes, gzipBytes })),
      previous: isFirst ? "not compared: no release is live before this one" : (previous ?? "not compared"),
    };
    const wrong = lines.flatMap((line) => line.wrong);
    if (wrong.length > 0)
      return {
        verdict: "fail",
        reason: sayNames(wrong),
        evidence,
        fix: "find out what has grown, and leave it out or load it later; or raise the budget",
      };
    return { verdict: "pass", reason: lines.map(({ said }) => said).join("; "), evidence };
  },
});

interface Size {
  files: number;
  /** Bytes. */
  raw: number;
  gzip: number;
}

interface BudgetLine {
  files: string;
  count: number;
  rawBytes: number;
  gzipBytes: number;
  said: string;
  wrong: string[];
}

function hold({ files, raw, gzip, growth }: Budget, now: Size, then: Size | undefined): BudgetLine {
  const wrong: string[] = [];
  if (raw !== undefined && now.raw > bytesOf(raw))
    wrong.push(`${files} has ${kilobytes(now.raw)}, ${raw} allowed`);
  if (gzip !== undefined && now.gzip > bytesOf(gzip))
    wrong.push(`${files} has ${kilobytes(now.gzip)} compressed, ${gzip} allowed`);
  const measure = gzip === undefined ? "raw" : "gzip";
  if (growth !== undefined && then !== undefined && now[measure] > then[measure] * (1 + growth / 100))
    wrong.push(
      `${files} grew from ${kilobytes(then[measure])} to ${kilobytes(now[measure])}, ${growth} % allowed`,
    );
  return {
    files,
    count: now.files,
    rawBytes: now.raw,
    gzipBytes: now.gzip,
    said: `${files} has ${kilobytes(now.raw)}, ${kilobytes(now.gzip)} compressed`,
    wrong,
  };
}

function bytesOf(size: string): number {
  const [, number, unit] = /^([\d.]+)\s?(\w+)$/.exec(size)!;
  return Number(number) * { B: 1, kB: 1000, MB: 1_000_000 }[unit as "B" | "kB" | "MB"];
}

function kilobytes(bytes: number): string {
  return bytes < 1000 ? `${bytes} B` : `${(bytes / 1000).toFixed(1)} kB`;
}
