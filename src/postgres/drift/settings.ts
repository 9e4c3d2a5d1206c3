import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import * as z from "zod";
import type { Secret } from "../../lib/redact.ts";
import { referenceSchema } from "../../model/runbook.ts";
import type { ScratchServer } from "../../model/ports.ts";
import type { EnvironmentView } from "../../model/step-kind.ts";
import { HISTORY_FORMATS } from "../migrations/migration.ts";
import { databaseOf } from "../session/database-of.ts";
import type { DriftOptions } from "./check-drift.ts";

/** What the step db.verify and the gate db.drift let a runbook say. */
export const driftSettings = {
  directory: z
    .string()
    .min(1)
    .describe("Folder of the migrations, from the project folder; may hold {release}"),
  format: z
    .enum(["auto", ...HISTORY_FORMATS])
    .default("auto")
    .describe("Whose files they are: native, supabase, prisma; auto looks at the folder"),
  expected: z
    .enum(["files", "recorded", "both"])
    .default("both")
    .describe(
      "What live must equal: the files that have run, replayed in a scratch database; what was recorded when tminus last verified; or both",
    ),
  ignore: z
    .array(z.string().min(1).max(200))
    .max(200)
    .default([])
    .describe('Objects that may differ, as kind and name; * stands for anything: "table public.tmp_*"'),
  exclude: z.array(z.string().min(1).max(63)).max(100).default([]).describe("Schemas that are not looked at"),
  baseline: z
    .string()
    .min(1)
    .optional()
    .describe("SQL file, from the project folder, that the scratch database needs before the migrations"),
  database: referenceSchema
    .optional()
    .describe("Reference of the connection string; the environment's database when left out"),
};

type DriftSettings = z.output<z.ZodObject<typeof driftSettings>>;

export interface DriftPlace {
  with: DriftSettings;
  environment: EnvironmentView;
  projectDirectory: string;
  scratch: ScratchServer;
  signal: AbortSignal;
  secret(reference: string): Secret;
}

/** Reads the baseline file. Errors: RUNBOOK_INVALID, SECRET_MISSING; what reading a file throws. */
export async function driftOptions(
  place: DriftPlace,
  progress: (text: string) => void,
): Promise<DriftOptions> {
  const { with: settings, projectDirectory, scratch, signal } = place;
  const { baseline } = settings;
  return {
    connectionString: databaseOf(place),
    directory: resolve(projectDirectory, settings.directory),
    format: settings.format,
    expected: settings.expected,
    ignore: settings.ignore,
    exclude: settings.exclude,
    baseline:
      baseline === undefined ? undefined : await readFile(resolve(projectDirectory, baseline), "utf8"),
    scratch,
    signal,
    progress,
  };
}
