import type { Plan } from "./plan.ts";
import type { WindowStanding } from "./window-standing.ts";

/** Whether windows and freezes can keep a plan's run out. Going back, and a deploy in an emergency, pass them. Requirements B8, B9. */
export function mayBeKept({ purpose, emergency }: Pick<Plan, "purpose" | "emergency">): boolean {
  return purpose === "deploy" && emergency === undefined;
}

/**
 * Why windows keep a plan's run from beginning, as a sentence; undefined when they do not. `window`: as it stands at T-0 where that
 * is at a time, else now; undefined where nothing keeps deploys out at any time.
 */
export function whyKeptOut(plan: Plan, window: WindowStanding | undefined): string | undefined {
  if (!mayBeKept(plan) || window === undefined || window.isOpen) return undefined;
  const { scheduled, environment } = plan;
  const when = scheduled === undefined ? "" : `at T-0, ${scheduled.zeroAt}, `;
  return `${when}${environment.name} is ${window.text}`;
}
