import { join, resolve } from "node:path";
import type { StepContext } from "../../model/step-kind.ts";
import { addressOf } from "../../postgres/session/connect.ts";
import { databaseOf } from "../../postgres/session/database-of.ts";

type Place = Pick<
  StepContext<{ database?: string | undefined }>,
  "with" | "environment" | "secret" | "projectDirectory" | "runDirectory"
>;

/** Where an environment's backups are: in the folder that the step names, or in the state folder. */
export function backupFolder(
  { projectDirectory, runDirectory, environment }: Place,
  named: string | undefined,
): string {
  if (named !== undefined) return resolve(projectDirectory, named);
  // Beside the folders of the runs, which are in the state folder's runs/.
  return join(runDirectory, "..", "..", "backups", environment.name);
}

/** Server and database as manifests name them; undefined when the connection string does not tell. */
export function backupSource(place: Place): string | undefined {
  const url = databaseOf(place);
  return URL.canParse(url) ? addressOf(url) : undefined;
}
