import { basename } from "node:path";
import { TminusError } from "../../errors.ts";

/** Stands in a folder of migrations while `tminus db lint --fix --write` changes it; left behind by one that was killed. */
export const UNFINISHED_WRITE = ".tminus-unfinished";

/** MIGRATION_INVALID: some of the files are new and some are old, so that a statement may stand in two of them. */
export function unfinishedWrite(directory: string): TminusError {
  return new TminusError(
    "MIGRATION_INVALID",
    `${UNFINISHED_WRITE}:1: 'tminus db lint --fix --write' is changing the files of ${basename(directory)}, or was ended before it had changed all of them`,
    {
      hint: `When it does not run any more, run tminus db lint --dir ${directory} --fix --write: it first takes back what was written.`,
      details: { directory },
    },
  );
}
