import { systemClock } from "../../../src/lib/clock.ts";
import { backfillSchema } from "../../../src/model/backfill.ts";
import { runBackfill } from "../../../src/postgres/backfill/run-backfill.ts";

/** Fills the test's table; its test kills it again and again. */
const [url = "", settings = "{}"] = process.argv.slice(2);
await runBackfill(backfillSchema.parse(JSON.parse(settings)), {
  connectionString: url,
  fence: { environment: "production", token: 1 },
  runKey: "run/step",
  startedBy: "ann",
  clock: systemClock,
  signal: new AbortController().signal,
  progress: () => undefined,
});
