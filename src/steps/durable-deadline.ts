import type { StepContext } from "../model/step-kind.ts";

type Ctx = Pick<StepContext<never>, "loadState" | "saveState" | "clock">;

/** `ms` after the step first asked for it, however often it was restarted since. Kept as the step's state. */
export async function durableDeadline(ctx: Ctx, ms: number): Promise<Date> {
  const saved = await savedDeadline(ctx);
  if (saved !== undefined) return saved;
  const until = new Date(ctx.clock.now().getTime() + ms);
  await ctx.saveState({ until: until.toISOString() });
  return until;
}

/** The deadline that an earlier call saved, if any. */
export async function savedDeadline(ctx: Ctx): Promise<Date | undefined> {
  const state = await ctx.loadState();
  if (typeof state !== "object" || state === null || Array.isArray(state)) return undefined;
  return typeof state.until === "string" ? new Date(state.until) : undefined;
}
