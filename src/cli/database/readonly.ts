import { Argument, type Command } from "commander";
import { example, withIdentity, withConfirmation, withDatabase, type Run } from "../declare.ts";

export type ReadOnlyMode = "on" | "off" | "status";

export interface ReadOnlyOptions {
  database?: string;
  except?: string[];
  by?: string;
  login?: string;
  yes?: boolean;
  confirm?: string;
}

export function declareReadonly(database: Command, run: Run): void {
  const readonly = withConfirmation(withIdentity(withDatabase(database.command("readonly"))))
    .addArgument(
      new Argument("<mode>", "on, off, or status: whether it is on, and what is amiss").choices([
        "on",
        "off",
        "status",
      ]),
    )
    .option("--except <schema...>", "for on: schemas whose tables stay writable");
  readonly.description(
    "make the database refuse every write, or let writes in again; proven by a write to each table. status exits 3 when something is amiss",
  );
  example(
    readonly,
    "tminus db readonly on --confirm production",
    "tminus db readonly on --except auth storage",
    "tminus db readonly status --json",
    "tminus db readonly off",
  );
  readonly.action((mode: ReadOnlyMode, options: ReadOnlyOptions) =>
    run(async (context) => (await import("../commands/db/readonly.ts")).readonly(context, mode, options)),
  );
}
