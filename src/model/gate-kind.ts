import type * as z from "zod";
import type { PlanContext } from "./step-kind.ts";
import type { Verdict } from "./verdict.ts";

/** A gate: it only decides, and changes nothing. Only `pass` passes. */
export interface GateKind<With> {
  /** Dotted lower case: "git.clean". */
  kind: string;
  summary: string;
  requirements: readonly string[];
  schema: z.ZodType<With>;
  /** A `with:` block as YAML. */
  example: string;
  /** `fix` is what to do when it does not pass, an imperative. */
  check(context: GateContext<With>): Promise<Verdict & { fix?: string }>;
}

export interface GateContext<With> extends PlanContext<With> {
  redact(text: string): string;
  /** Environment for child processes. */
  processEnvironment: Record<string, string>;
  progress(text: string): void;
}
