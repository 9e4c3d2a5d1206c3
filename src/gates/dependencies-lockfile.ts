import { join } from "node:path";
import * as z from "zod";
import { findInside } from "../lib/script-file.ts";
import { defineGate } from "./define.ts";
import { sayNames } from "./say-names.ts";
import type { GateVerdict } from "../model/gate-kind.ts";
import { unknown } from "./unknown.ts";

const schema = z.strictObject({
  directory: z
    .string()
    .min(1)
    .default(".")
    .describe("Folder in the project that has package.json and lockfile"),
});

/** Passes when the one lockfile is committed as it is and fits package.json. */
export const dependenciesLockfile = defineGate({
  kind: "dependencies.lockfile",
  summary:
    "Passes when there is one lockfile, git has it and package.json as they are, and the two fit each other.",
  requirements: ["B4"],
  notes: [
    "Nothing is installed and no registry is asked. Of npm it is npm's own judgement (`npm ls --package-lock-only`); of pnpm and yarn the ranges in every package.json that the lockfile knows are compared with it. The lockfile of yarn 1 does not know workspaces: only the package.json beside it is compared.",
  ],
  schema,
  example: "directory: .\n",

  async check(context): Promise<GateVerdict> {
    const { lockfilesIn } = await import("./dependencies/find-lockfile.ts");
    const { lockfileProblems } = await import("./dependencies/lockfile-problems.ts");
    const { Repository } = await import("./secrets/repository.ts");
    const folder = findInside(context.projectDirectory, context.with.directory);
    if (folder.state === "refused") return unknown(folder.reason, "name a folder inside the project");
    const lockfiles = lockfilesIn(folder.file);
    const [lockfile] = lockfiles;
    const names = lockfiles.map(({ name }) => name);
    if (lockfile === undefined)
      return { verdict: "fail", reason: "there is no lockfile", fix: "install once and commit the lockfile" };
    if (lockfiles.length > 1)
      return {
        verdict: "fail",
        reason: `${names.join(" and ")} contradict each other`,
        fix: "keep one lockfile",
      };

    const repository = await Repository.find(context);
    if (repository.state === "silent") return unknown(repository.reason, "run it inside a clone");
    const paths = [lockfile.name, "package.json"].map((name) => join(folder.file, name));
    const tracked = await repository.value.git(["ls-files", "-z", "--", ...paths]);
    if (tracked.state === "silent") return unknown(tracked.reason, "run git ls-files by hand");
    const has = (name: string): boolean =>
      tracked.value.split("\0").some((path) => path === name || path.endsWith(`/${name}`));
    const missing = [lockfile.name, "package.json"].filter((name) => !has(name));
    if (missing.length > 0)
      return { verdict: "fail", reason: `git does not track ${missing.join(" and ")}`, fix: "commit it" };
    const changed = await repository.value.git(["diff", "--name-only", "-z", "HEAD", "--", ...paths]);
    if (changed.state === "silent") return unknown(changed.reason, "run git diff by hand");
    if (changed.value !== "")
      return {
        verdict: "fail",
        reason: `not committed as it is: ${sayNames(changed.value.split("\0").filter((path) => path !== ""))}`,
        fix: "commit the lockfile together with package.json",
      };

    const compared = await lockfileProblems(context, folder.file, lockfile);
    if (compared.state === "silent") return unknown(compared.reason, "install once by hand to see why");
    const evidence = {
      lockfile: lockfile.name,
      compared: compared.manifests,
      problems: compared.problems.slice(0, 50),
    };
    if (compared.problems.length > 0)
      return {
        verdict: "fail",
        reason: `${lockfile.name} does not fit: ${sayNames(compared.problems)}`,
        evidence,
        fix: "install once and commit the lockfile",
      };
    return { verdict: "pass", reason: `${lockfile.name} is committed and fits package.json`, evidence };
  },
});
