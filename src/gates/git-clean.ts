import * as z from "zod";
import { changedFiles, sayFiles } from "./git/changed-files.ts";
import { branchSchema } from "./git/names.ts";
import { inRepository } from "./git/repository.ts";
import { defineGate } from "./define.ts";

const NAMED_FILES = 10;

/** Passes when the project's git work tree has nothing uncommitted, untracked files included. */
export const gitClean = defineGate({
  kind: "git.clean",
  summary: "Passes when the git work tree is clean and, if asked, on the right branch.",
  requirements: ["B2"],
  schema: z.strictObject({
    branch: branchSchema.optional().describe("Branch that must be checked out; any when left out"),
  }),
  example: "branch: main\n",

  check: (context) =>
    inRepository(context, async (repository) => {
      const name = await repository.branch();
      const wanted = context.with.branch;
      if (wanted !== undefined && name !== wanted) {
        const reason =
          name === undefined
            ? `no branch is checked out, ${wanted} is wanted`
            : `on ${name}, not on ${wanted}`;
        return { verdict: "fail", reason, fix: `run git switch ${wanted}` };
      }
      const changed = await changedFiles(repository, ["--untracked-files=normal"]);
      const evidence = { branch: name ?? null, changed: changed.slice(0, NAMED_FILES) };
      if (changed.length === 0)
        return { verdict: "pass", reason: `clean${name === undefined ? "" : ` on ${name}`}`, evidence };
      return {
        verdict: "fail",
        reason: `uncommitted: ${sayFiles(changed, NAMED_FILES)}`,
        evidence,
        fix: "commit, stash or ignore these files",
      };
    }),
});
