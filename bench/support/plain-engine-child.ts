import { DBOS } from "@dbos-inc/dbos-sdk";
import { systemClock } from "../../src/lib/clock.ts";

/**
 * One DBOS workflow of steps that do nothing, in a process of its own because DBOS is one per process.
 * Arguments: connection string, warm-up steps, measured steps. Prints the milliseconds that one step took.
 */
const [connectionString, warmUp, measured] = process.argv.slice(2);
if (connectionString === undefined) throw new Error("the connection string is missing");

const quiet = (): void => undefined;
DBOS.setConfig({
  name: "bench",
  systemDatabaseUrl: connectionString,
  runMigrations: false,
  enableOTLP: false,
  logger: { info: quiet, debug: quiet, warn: quiet, error: quiet },
});
const workflow = DBOS.registerWorkflow(
  async (warmUpSteps: number, steps: number): Promise<number> => {
    const doSteps = async (count: number, prefix: string): Promise<void> => {
      for (let index = 0; index < count; index++) {
        await DBOS.runStep(async () => ({ did: "nothing" }), { name: `${prefix}-${index}` });
      }
    };
    await doSteps(warmUpSteps, "warm-up");
    const startedMs = systemClock.monotonicMs();
    await doSteps(steps, "step");
    return systemClock.monotonicMs() - startedMs;
  },
  { name: "bench" },
);
await DBOS.launch();
const durationMs = await workflow(Number(warmUp), Number(measured));
await DBOS.shutdown();
process.stdout.write(`${durationMs / Number(measured)}\n`);
