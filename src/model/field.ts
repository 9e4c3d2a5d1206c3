import * as z from "zod";
import { parseDuration } from "../lib/duration.ts";

/**
 * What a refinement may attach to its issue as `params`, here and in the schemas of step, gate, target and
 * channel kinds. `hint` is shown beside the message; `secret` keeps the offending text out of every excerpt.
 */
export interface IssueParams {
  hint?: string;
  secret?: boolean;
  /** Where in the text of the value the mistake is, counted from 0, and how long it is. */
  offset?: number;
  length?: number;
  /** In place of these: the part of the text that is wrong, as it usually stands there. */
  word?: string;
}

const ID = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;
/** For editors; what counts is parseDuration. */
export const DURATION = "(?=\\d)(\\d+d)?(\\d+h)?(\\d+m)?(\\d+s)?(\\d+ms)?";

/** The id of a stage, step, gate or channel, and the name of an environment. */
export const idSchema = z
  .string()
  .refine((text) => ID.test(text), {
    error: "is not a valid id",
    params: { hint: "use a letter, then letters, digits, - or _, at most 64" } satisfies IssueParams,
  })
  .meta({ pattern: ID.source });

/** A duration as people write it: "90s", "15m", "1h30m". Read it with parseDuration. */
export const durationSchema = z
  .string()
  .refine((text) => parseDuration(text) !== undefined, {
    error: "is not a duration",
    params: { hint: "write it like 30s, 15m or 1h30m" } satisfies IssueParams,
  })
  .meta({ pattern: `^${DURATION}$` });
