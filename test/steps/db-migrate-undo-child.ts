import { systemClock } from "../../src/lib/clock.ts";
import { createFakeStepWorld } from "../../src/testing/fake-step-context.ts";
import { openKilledStep } from "./db-migrate-case.ts";

// A program: undoes the step of db-migrate-case.ts in the folder named on its command line and prints the result.
const step = await openKilledStep(process.argv[2]!);
const world = createFakeStepWorld({ clock: systemClock, ...step.world });
const settings = { ...(step.kind.schema.parse(step.with) as object) };
const facts = await step.kind.gather!(world.planContext(settings));
const { context } = world.open(settings, facts);
process.stdout.write(`${JSON.stringify(await step.kind.undo!(context, undefined))}\n`);
