import * as z from "zod";
import { anchorSettingsSchema } from "../model/audit.ts";
import { calendarSchema } from "../model/calendar.ts";

/**
 * What a worker needs to execute a run besides its plan: settings frozen when the run was made, references in
 * place of secrets. Stored with the run, so that a later edit of the runbook does not change a run under way.
 */
export const runContextSchema = z.strictObject({
  projectDirectory: z.string(),
  stateDirectory: z.string(),
  environment: z.strictObject({
    name: z.string(),
    branch: z.string().optional(),
    url: z.string(),
    protected: z.boolean(),
    database: z.string().optional(),
    variables: z.record(z.string(), z.string()),
  }),
  target: z.object({ kind: z.string() }).catchall(z.json()),
  /** By name. A run that was made before there were any has none. */
  signals: z.record(z.string(), z.object({ kind: z.string() }).catchall(z.json())).default({}),
  channels: z.array(z.object({ id: z.string(), kind: z.string() }).catchall(z.json())),
  anchor: anchorSettingsSchema.optional(),
  /** When it may begin, as the runbook said when it was made. Without it only freezes that are declared hold it up. */
  calendar: calendarSchema.default({ windows: [], limits: {}, freezes: [], events: {} }),
});

export type RunContext = z.output<typeof runContextSchema>;
/** What is known of it without reading other files than the runbook. */
export type EnvironmentContext = Omit<RunContext, "calendar">;
