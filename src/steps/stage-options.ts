import type { StageOptions } from "../model/ports.ts";
import type { StepContext } from "../model/step-kind.ts";

type Ctx = Pick<StepContext<never>, "fence" | "signal" | "variables" | "progress">;

/** What a target is given with a release that it starts or stops; the application's variables are revealed. */
export function stageOptions(ctx: Ctx): StageOptions {
  return {
    fence: ctx.fence,
    signal: ctx.signal,
    variables: ctx.variables(),
    progress: (text) => ctx.progress(text),
  };
}
