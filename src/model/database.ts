import type { Secret } from "../lib/redact.ts";
import type { Clock } from "../lib/clock.ts";
import type { ScratchServer } from "./ports.ts";

/** One database that a command is about, and what is needed to work on it. Opened by compose/database/place.ts. */
export interface DatabasePlace {
  /** Name of the environment; undefined when the database was named without a runbook. */
  environment: string | undefined;
  /** Whether changing it needs to be confirmed by name. */
  protected: boolean;
  connectionString: Secret;
  /** Paths in options are relative to it. */
  projectDirectory: string;
  stateDirectory: string;
  scratch: ScratchServer;
  clock: Clock;
  redact(text: string): string;
  /** Removes what was started for it. */
  close(): Promise<void>;
}

export interface OpenDatabaseOptions {
  directory: string;
  configFile?: string;
  /** The environment of the runbook; the only one when left out. */
  environmentName?: string;
  /** Reference of the connection string; the environment's database when left out. */
  reference?: string;
  environment: Readonly<Record<string, string | undefined>>;
}
