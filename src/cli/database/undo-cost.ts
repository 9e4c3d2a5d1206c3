import type { Command } from "commander";
import { example, withDatabase, type Run } from "../declare.ts";

export function declareUndoCost(database: Command, run: Run): void {
  const cost = database
    .command("undo-cost")
    .argument(
      "[run]",
      "id of the run that applied them, or its beginning; the one that applied last when left out",
    )
    .description(
      "count the rows that undoing a run's migrations would lose now; exits 3 when it would lose any or cannot be done, 1 when it cannot be counted",
    );
  withDatabase(cost);
  example(cost, "tminus db undo-cost", "tminus db undo-cost 0199 --database env:DATABASE_URL --json");
  cost.action((id: string | undefined, options: { database?: string }) =>
    run(async (context) => (await import("../commands/db/undo-cost.ts")).undoCost(context, id, options)),
  );
}
