import * as z from "zod";

/**
 * What a worker needs to execute a run besides its plan: settings frozen when the run was made, references in
 * place of secrets. Stored with the run, so that a later edit of the runbook does not change a run under way.
 */
export const runContextSchema = z.strictObject({
  projectDirectory: z.string(),
  stateDirectory: z.string(),
  environment: z.strictObject({
    name: z.string(),
    url: z.string(),
    protected: z.boolean(),
    database: z.string().optional(),
    variables: z.record(z.string(), z.string()),
  }),
  target: z.object({ kind: z.string() }).catchall(z.json()),
  channels: z.array(z.object({ id: z.string(), kind: z.string() }).catchall(z.json())),
});

export type RunContext = z.output<typeof runContextSchema>;
