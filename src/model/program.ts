import * as z from "zod";
import { referenceSchema, type IssueParams } from "./runbook.ts";

/** Program and arguments, as a runbook gives them. */
export const argvSchema = z.array(z.string()).min(1).max(200);

/** How a runbook names a program of the project: what the step and the gate `command` have in common. */
export const programFields = {
  run: argvSchema.optional().describe("Program and arguments; no shell is involved"),
  script: z
    .string()
    .min(1)
    .optional()
    .describe("Script file inside the project, run by its #! line or by sh"),
  cwd: z
    .string()
    .min(1)
    .optional()
    .describe("Folder inside the project to run in; the project's own when left out"),
  env: z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "is not a variable name"), referenceSchema)
    .default({})
    .describe("Further environment variables, by reference: env:NAME or file:path#NAME"),
};

/** Refinement for settings with programFields: exactly one of run and script. */
export function hasOneProgram(value: { run?: unknown; script?: unknown }): boolean {
  return (value.run === undefined) !== (value.script === undefined);
}

/** What is said when hasOneProgram is false. */
export const oneProgramIssue = {
  error: "needs either run or script",
  params: { hint: 'write run: [program, argument] or script: "path/to/file.sh"' } satisfies IssueParams,
};
