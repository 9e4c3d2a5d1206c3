import type * as z from "zod";
import type { PlanInput } from "./plan.ts";
import type { Attempt, Run } from "./run.ts";
import type { Scm } from "./scm.ts";
import type { PlanContext } from "./step-kind.ts";
import type { Verdict } from "./verdict.ts";

/** What a gate says. `fix` is what to do when it does not pass, an imperative. */
export type GateVerdict = Verdict & { fix?: string };

/** A gate: it only decides, and changes nothing. Only `pass` passes. */
export interface GateKind<With> {
  /** Dotted lower case: "git.clean". */
  kind: string;
  summary: string;
  requirements: readonly string[];
  /** More paragraphs for the page: what a reader must know before relying on it. */
  notes?: readonly string[];
  schema: z.ZodType<With>;
  /** A `with:` block as YAML. */
  example: string;
  check(context: GateContext<With>): Promise<GateVerdict>;
}

export interface GateContext<With> extends PlanContext<With> {
  /** Where tminus keeps what it makes: backups, the state database. */
  stateDirectory: string;
  redact(text: string): string;
  /** Environment for child processes. */
  processEnvironment: Record<string, string>;
  progress(text: string): void;
  /** Where the code is reviewed and built; undefined when the runbook names no such place. Throws SECRET_MISSING. */
  scm(): Scm | undefined;
  /** Runs of the project in an environment, whatever became of them, newest first. Throws STATE_UNAVAILABLE. */
  runs(filter: { environment: string; limit: number }): Promise<Run[]>;
  /** What was attempted at the steps of one of these runs, oldest first. Throws STATE_UNAVAILABLE. */
  attempts(runId: string): Promise<Attempt[]>;
  /** What the plan that is being made is made from, as its steps told it. */
  inputs: readonly PlanInput[];
}
