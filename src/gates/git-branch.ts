import * as z from "zod";
import { matchesGlob } from "../lib/glob.ts";
import { branchPatternSchema, branchSchema } from "./git/names.ts";
import { inRepository } from "./git/repository.ts";
import { defineGate } from "./define.ts";
import { unknown } from "./unknown.ts";

const schema = z.strictObject({
  branch: branchSchema
    .optional()
    .describe("Branch from which the environment is deployed; what the environment says when left out"),
  flow: z
    .array(
      z.strictObject({
        from: branchPatternSchema.describe("Branch or pattern: feature/*"),
        to: branchSchema.describe("Branch that it may go to"),
      }),
    )
    .max(50)
    .default([])
    .describe("Which other branches may be brought to a branch, for plans that are made before the merge"),
});

/**
 * Passes on the branch of the environment, and on one that the flow lets go there. What is looked at is the branch that
 * is checked out, not how its commits came to it.
 */
export const gitBranch = defineGate({
  kind: "git.branch",
  summary: "Passes when the checked-out branch may reach the environment by the branch flow.",
  requirements: ["A3", "B2"],
  schema,
  example: `branch: main
flow:
  - { from: "feature/*", to: staging }
  - { from: staging, to: main }
  - { from: "hotfix/*", to: main }
`,

  check: (context) =>
    inRepository(context, async (repository) => {
      const { branch = context.environment.branch, flow } = context.with;
      if (branch === undefined)
        return unknown(
          `${context.environment.name} has no branch in the runbook`,
          "write branch: main into the environment, or into the gate's settings",
        );
      const name = await repository.branch();
      if (name === undefined)
        return unknown(
          "no branch is checked out, so that it is not known where the commit comes from",
          `run git switch ${branch}`,
        );
      const evidence = { branch: name, environmentBranch: branch };
      if (name === branch) return { verdict: "pass", reason: `on ${name}`, evidence };
      const into = flow.filter(({ to }) => to === branch).map(({ from }) => from);
      const by = into.find((pattern) => matchesGlob(name, pattern));
      if (by !== undefined)
        return { verdict: "pass", reason: `${name} may go to ${branch} (${by})`, evidence };
      const elsewhere = flow.filter(({ from }) => matchesGlob(name, from)).map(({ to }) => to);
      const allowed = [branch, ...into].join(", ");
      return {
        verdict: "fail",
        reason: `${name} may not reach ${context.environment.name}: only ${allowed}`,
        evidence,
        fix:
          elsewhere.length > 0
            ? `bring ${name} to ${elsewhere.join(" or ")} first`
            : `bring it to ${branch}, then run git switch ${branch}`,
      };
    }),
});
