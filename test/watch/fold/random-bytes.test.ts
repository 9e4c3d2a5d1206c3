import fc from "fast-check";
import { describe, it } from "vitest";
import type { Look } from "../../../src/watch/fold/look.ts";
import { initialWatch, takeLook, type WatchState } from "../../../src/watch/fold/watch-state.ts";
import { RANDOM_LOG, RANDOM_LOG_LIMIT_MS } from "./random-log.ts";
import { folded } from "./simulated-watch.ts";

describe("forty thousand random logs", () => {
  it(
    "leave the same bytes when they are cut anywhere, and when what was not answered is answered later",
    () => {
      fc.assert(
        fc.property(RANDOM_LOG, ({ watch, answered, looks }) => {
          const whole = JSON.stringify(folded(watch, answered));
          const cut = looks.filter((look) => answered.includes(look) || isAnsweredLater(look, answered));
          const state = cut.reduce(
            (before, look) => JSON.parse(JSON.stringify(takeLook(watch, before, look))) as WatchState,
            initialWatch(watch),
          );
          return JSON.stringify(state) === whole;
        }),
        { numRuns: 40_000, seed: 20_240_301 },
      );
    },
    RANDOM_LOG_LIMIT_MS,
  );
});

function isAnsweredLater(look: Look, answered: readonly Look[]): boolean {
  return answered.some(({ toMs }) => toMs >= look.toMs);
}
