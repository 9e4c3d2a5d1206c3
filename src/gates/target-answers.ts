import * as z from "zod";
import { toErrorRecord } from "../errors.ts";
import { defineGate } from "./define.ts";
import type { GateVerdict } from "../model/gate-kind.ts";

/** Passes when the target says that it could carry out a deploy of this release. */
export const targetAnswers = defineGate({
  kind: "target.answers",
  summary: "Passes when the target answers and says that it could deploy this release.",
  requirements: ["B6"],
  notes: [
    "What the target looks at is its own: whether its programs, files and ports are there, and whether it is let in where it needs credentials. It is asked before anything changes, and nothing is.",
  ],
  schema: z.strictObject({}),
  example: "{}\n",

  async check(context): Promise<GateVerdict> {
    const fix = "run tminus doctor; it says which part of the target does not answer";
    try {
      const said = await context.target.precheck(context.release);
      const evidence = { target: context.target.kind };
      const reason = `the ${context.target.kind} target: ${context.redact(said.reason)}`;
      return { verdict: said.verdict, reason, evidence, ...(said.verdict === "pass" ? {} : { fix }) };
    } catch (error) {
      context.signal.throwIfAborted();
      // A target that cannot be asked says nothing about itself.
      return { verdict: "unknown", reason: context.redact(toErrorRecord(error).message), fix };
    }
  },
});
