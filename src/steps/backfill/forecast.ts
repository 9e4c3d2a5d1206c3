import { parseDuration } from "../../lib/duration.ts";
import type { BackfillSettings } from "../../model/backfill.ts";
import type { Undo } from "../../model/plan.ts";
import type { StepForecast } from "../../model/step-kind.ts";
import type { ResolvedBackfill } from "../../postgres/backfill/backfill.ts";
import { identifyBackfill } from "../../postgres/backfill/backfill.ts";

/** Measured with a text column on two cores: pages filled, and pages looked at afterwards. */
const PAGES_PER_SECOND = 3_000;
const LOOKED_PER_SECOND = 40_000;
const PAGE_BYTES = 8192;
/** Each row is written anew, with its lock and its new version in the log. */
const WAL_PER_BYTE = 3.5;
const DAY_MS = 24 * 60 * 60 * 1000;

/** What was found when planning; plain JSON. */
export type BackfillFacts = {
  title: string;
  leaves: number;
  pages: number;
  /** By the table's statistics; 0 when it was never analyzed. */
  rows: number;
  warnings: string[];
  problems: { reason: string; fix: string }[];
};

export function backfillFacts(settings: BackfillSettings, resolved: ResolvedBackfill): BackfillFacts {
  if ("problems" in resolved) {
    const { problems } = resolved;
    return {
      title: settings.table,
      leaves: 0,
      pages: 0,
      rows: 0,
      warnings: problems
        .filter(({ mayCome }) => mayCome === true)
        .map(({ reason }) => `${reason} yet: a migration of this run must bring it, or the step fails`),
      problems: problems
        .filter(({ mayCome }) => mayCome !== true)
        .map(({ reason, fix }) => ({ reason, fix })),
    };
  }
  const { title, leaves, rows, warnings } = resolved.backfill;
  const pages = leaves.reduce((sum, leaf) => sum + leaf.pages, 0);
  return { title, leaves: leaves.length, pages, rows: Math.round(rows), warnings, problems: [] };
}

/** Pure: what filling the table means. */
export function forecastBackfill(settings: BackfillSettings, facts: BackfillFacts): StepForecast {
  const { pages } = facts;
  const seconds = pages / PAGES_PER_SECOND + pages / LOOKED_PER_SECOND;
  return {
    summary: describeBackfill(settings, facts),
    risk: "medium",
    durationMs: Math.round(1000 * seconds),
    timeoutMs: Math.min(7 * DAY_MS, Math.max(DAY_MS, Math.round(20_000 * seconds))),
    undo: undoOf(settings),
    inputs: [
      { name: `backfill of ${settings.table}`, digest: identifyBackfill(settings, settings.table).digest },
    ],
    blocked: facts.problems,
  };
}

/** One line each, as the plan and `tminus db backfill` show it. */
export function describeBackfill(settings: BackfillSettings, facts: BackfillFacts): string[] {
  const { title, leaves, pages, rows, warnings } = facts;
  const bytes = pages * PAGE_BYTES;
  const columns = Object.keys(settings.set).join(", ");
  const many = rows === 0 ? "rows not counted yet" : `about ${rows.toLocaleString("en-US")} rows`;
  const partitions = leaves > 1 ? ` in ${leaves} partitions` : "";
  return [
    `fill ${title}: ${columns}${settings.where === undefined ? "" : ` where ${settings.where}`}`,
    `  ${many}${partitions}, ${size(bytes)} in ${pages.toLocaleString("en-US")} pages, in batches of about ${parseDuration(settings.batchTarget)} ms`,
    `  writes about ${size(bytes * WAL_PER_BYTE)} of log; until a VACUUM the table grows by up to ${size(bytes)}`,
    settings.trigger === "keep"
      ? "  a trigger fills the rows written meanwhile, and stays"
      : "  a trigger fills the rows written meanwhile; it is dropped at the end, and later rows are the application's",
    ...warnings.map((warning) => `  careful: ${warning}`),
  ];
}

function undoOf({ undo, set }: BackfillSettings): Undo {
  const columns = Object.keys(set).join(", ");
  if (undo === "keep values")
    return { how: "undo", text: `the trigger and the checkpoint go; the values in ${columns} stay` };
  return {
    how: "undo",
    text: `the trigger goes, and ${columns} become null in all rows`,
    loss: `every value in ${columns}, also those that the application wrote`,
  };
}

function size(bytes: number): string {
  const megabytes = bytes / 1024 / 1024;
  return megabytes >= 1024 ? `${(megabytes / 1024).toFixed(1)} GB` : `${Math.ceil(megabytes)} MB`;
}
