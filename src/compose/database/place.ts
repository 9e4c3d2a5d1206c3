import { join, resolve } from "node:path";
import { hasCode, TminusError } from "../../errors.ts";
import { systemClock } from "../../lib/clock.ts";
import { Redactor } from "../../lib/redact.ts";
import type { DatabasePlace, OpenDatabaseOptions } from "../../model/database.ts";
import { referenceSchema } from "../../model/runbook.ts";
import { contextOf, openProject, type Project } from "../project.ts";
import { openScratch } from "../scratch.ts";
import { openSecrets } from "../secrets.ts";

/**
 * Finds the database that a command is about: the environment's, or the one that `reference` names, for which
 * no runbook is needed. Connects to nothing. Errors: RUNBOOK_MISSING, RUNBOOK_INVALID, ENVIRONMENT_UNKNOWN,
 * USAGE_INVALID, SECRET_MISSING.
 */
export async function openDatabasePlace(options: OpenDatabaseOptions): Promise<DatabasePlace> {
  const { environment, reference } = options;
  if (reference !== undefined && !referenceSchema.safeParse(reference).success) {
    // What was given may be the connection string itself: it is not repeated.
    throw new TminusError("USAGE_INVALID", "--database must be a reference, not a value", {
      hint: "Write --database env:NAME or --database file:path#NAME.",
    });
  }
  const project = await findProject(options);
  const directory = project?.directory ?? resolve(options.directory);
  const context = project === undefined ? undefined : contextOf(project, environmentOf(project, options));
  const found = reference ?? context?.environment.database;
  if (found === undefined) {
    throw new TminusError("USAGE_INVALID", "it is not said which database is meant", {
      hint: "Write database: {url: env:DATABASE_URL} under the environment, or add --database env:DATABASE_URL.",
    });
  }
  const redactor = new Redactor();
  const connectionString = openSecrets(directory, environment, redactor)(found);
  const scratch = openScratch(environment);
  return {
    environment: context?.environment.name,
    protected: context?.environment.protected ?? false,
    connectionString,
    projectDirectory: directory,
    stateDirectory: project?.stateDirectory ?? resolve(environment.TMINUS_HOME ?? join(directory, ".tminus")),
    scratch,
    clock: systemClock,
    redact: (text) => redactor.redact(text),
    close: () => scratch.close(),
  };
}

/** Undefined where there is no runbook and none is needed, because the database was named. */
async function findProject(options: OpenDatabaseOptions): Promise<Project | undefined> {
  try {
    return await openProject(options);
  } catch (error) {
    const isNeeded = options.reference === undefined || options.configFile !== undefined;
    if (isNeeded || !hasCode(error, "RUNBOOK_MISSING")) throw error;
    return undefined;
  }
}

function environmentOf({ runbook }: Project, { environmentName }: OpenDatabaseOptions): string {
  const names = Object.keys(runbook.environments);
  if (environmentName !== undefined) return environmentName;
  if (names.length === 1) return names[0]!;
  throw new TminusError("USAGE_INVALID", "it is not said which environment is meant", {
    hint: `Add --env with one of: ${names.join(", ")}.`,
  });
}
