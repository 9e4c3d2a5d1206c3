import * as z from "zod";
import { HISTORY_FORMATS } from "../../postgres/migrations/migration.ts";

/** What a step that only looks at the files of db.migrate lets a runbook say of them. */
export const folderSettings = {
  directory: z
    .string()
    .min(1)
    .describe(
      "Folder of the migrations, from the project folder; may hold {release}. The same as in db.migrate",
    ),
  format: z
    .enum(["auto", ...HISTORY_FORMATS])
    .default("auto")
    .describe("Whose files they are, as in db.migrate"),
};
