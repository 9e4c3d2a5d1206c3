import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { systemClock } from "../lib/clock.ts";
import type { Json, JsonObject } from "../model/json.ts";
import { createFakeStepWorld, type StateStorage } from "./fake-step-context.ts";
import type { KilledReport, OpenKilledStep } from "./kill-harness.ts";

/**
 * One life of a step's process, started by kill-harness.ts with a case module and a folder: observes, acts
 * unless the effect is there, verifies, and leaves outcome.json.
 */
const [module, directory] = process.argv.slice(2);
if (module === undefined || directory === undefined)
  throw new TypeError("usage: step-child <module> <directory>");

const { openKilledStep } = (await import(pathToFileURL(module).href)) as { openKilledStep: OpenKilledStep };
const outcome = await live(directory, await openKilledStep(directory));
writeWhole(join(directory, "outcome.json"), JSON.stringify(outcome));

async function live(
  directory: string,
  step: Awaited<ReturnType<OpenKilledStep>>,
): Promise<Omit<KilledReport, "kills">> {
  const { kind } = step;
  const world = createFakeStepWorld({ clock: systemClock, storage: fileStorage(directory), ...step.world });
  const settings = kind.schema.parse(step.with);
  const facts = kind.gather === undefined ? null : await kind.gather(world.planContext(settings));
  const { context } = world.open(settings, facts);

  const attempted = join(directory, "attempted");
  const observation = await kind.observe(context);
  let result: JsonObject;
  if (observation.state === "done") {
    result = observation.result;
  } else {
    if (observation.state === "unknown" && existsSync(attempted))
      return { outcome: "parked", reason: observation.reason };
    writeFileSync(attempted, "");
    const acted = await kind.act(context);
    if (acted.outcome === "failed") return { outcome: "failed", reason: acted.reason };
    result = acted.result;
  }
  const verdict = (await kind.verify?.(context, result)) ?? {
    verdict: "pass",
    reason: "act is its own proof",
  };
  return { outcome: verdict.verdict === "pass" ? "done" : "failed", reason: verdict.reason };
}

function fileStorage(directory: string): StateStorage {
  const file = join(directory, "state.json");
  return {
    load: () => (existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Json) : undefined),
    save: (state) => writeWhole(file, JSON.stringify(state)),
  };
}

/** By rename, so that a kill in the middle leaves the old file. */
function writeWhole(file: string, text: string): void {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}
