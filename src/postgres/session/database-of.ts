import { TminusError } from "../../errors.ts";
import type { Secret } from "../../lib/redact.ts";
import type { EnvironmentView } from "../../model/step-kind.ts";

/** A step or gate that may name a database of its own. */
export interface DatabaseNamed {
  with: { database?: string | undefined };
  environment: EnvironmentView;
  secret(reference: string): Secret;
}

/** Its own database, else the environment's. Errors: RUNBOOK_INVALID, SECRET_MISSING. */
export function databaseOf(place: DatabaseNamed): string {
  const { with: settings, environment } = place;
  const reference = settings.database ?? environment.database;
  if (reference === undefined) {
    throw new TminusError("RUNBOOK_INVALID", `environment ${environment.name} names no database`, {
      hint: `Write database: {url: env:DATABASE_URL} under environments.${environment.name}, or database in the step.`,
    });
  }
  return place.secret(reference).reveal();
}
