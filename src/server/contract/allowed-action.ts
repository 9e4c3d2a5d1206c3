import { z } from "@hono/zod-openapi";

/** What is done with a run; the same words as on the command line. */
export const runActions = [
  "approve",
  "reject",
  "attest",
  "resolve",
  "hold",
  "resume",
  "abort",
  "rollback",
] as const;
export type RunAction = (typeof runActions)[number];

/** Whether whoever asks may do something with a resource, as things are now; doing it looks again. */
export interface AllowedAction<Action extends string = string> {
  action: Action;
  isAllowed: boolean;
  /** Why not, when it is not allowed. */
  reason?: string | undefined;
  /** What it would do, one sentence. */
  consequence: string;
}

/** Of a resource with which these things are done. */
export function allowedActionsOf<const Action extends string>(...actions: Action[]) {
  return z.array(
    z.object({
      action: z.enum(actions),
      isAllowed: z.boolean(),
      reason: z.string().optional().openapi({ description: "Why not, when it is not allowed" }),
      consequence: z.string().openapi({ description: "What it would do, one sentence" }),
    }),
  );
}
