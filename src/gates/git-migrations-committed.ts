import { existsSync } from "node:fs";
import { resolve } from "node:path";
import * as z from "zod";
import { findInside } from "../lib/script-file.ts";
import { changedFiles, sayFiles } from "./git/changed-files.ts";
import { expectOutput, inRepository } from "./git/repository.ts";
import { defineGate } from "./define.ts";
import { unknown } from "./unknown.ts";

const schema = z.strictObject({
  directories: z
    .array(z.string().min(1).max(500))
    .min(1)
    .max(50)
    .describe("Folders of migrations, inside the project; everything below them is looked at"),
});

const NAMED_FILES = 10;

/** Ignored files count as well: a migration that git never sees is run all the same. */
export const gitMigrationsCommitted = defineGate({
  kind: "git.migrations-committed",
  summary:
    "Passes when every file below the migration folders is committed as it is, ignored files included.",
  requirements: ["B2"],
  schema,
  example: 'directories: ["releases/{release}/migrations"]\n',

  async check(context) {
    const { directories } = context.with;
    for (const directory of directories) {
      // A folder that is gone is looked up in git all the same: its files may have been committed.
      if (!existsSync(resolve(context.projectDirectory, directory))) continue;
      const place = findInside(context.projectDirectory, directory);
      if (place.state === "refused") return unknown(place.reason, "name a folder inside the project");
    }
    return inRepository(context, async (repository) => {
      const changed = await changedFiles(repository, [
        "--untracked-files=all",
        "--ignored=traditional",
        "--",
        ...directories,
      ]);
      if (changed.length > 0)
        return {
          verdict: "fail",
          reason: `not committed: ${sayFiles(changed, NAMED_FILES)}`,
          evidence: { changed: changed.slice(0, NAMED_FILES) },
          fix: "commit these files",
        };
      const counts: Record<string, number> = {};
      for (const directory of directories) {
        const listed = await repository.git(["ls-files", "-z", "--", directory]);
        counts[directory] = expectOutput(listed)
          .split("\0")
          .filter((name) => name !== "").length;
      }
      const empty = directories.filter((directory) => counts[directory] === 0);
      if (empty.length > 0)
        return unknown(`there is no file below ${empty.join(", ")}`, "correct the name of the folder");
      const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
      return {
        verdict: "pass",
        reason: `${total === 1 ? "1 file is" : `${total} files are`} committed`,
        evidence: { files: counts },
      };
    });
  },
});
