import { TminusError } from "../errors.ts";
import { followUpName } from "../model/follow-up.ts";
import type { Tminus } from "../model/tminus.ts";
import { closeFollowUp, findFollowUp, openFollowUps } from "../store/follow-ups.ts";
import { findPool, type StatePlace } from "./state-place.ts";

type FollowUpCalls = Pick<Tminus, "followUps" | "closeFollowUp">;

/** What is still to be done after deploys. */
export function openFollowUpCalls(place: StatePlace): FollowUpCalls {
  return {
    /** Makes no state where there was none: nothing was ever deployed there. */
    async followUps(environment) {
      const pool = await findPool(place);
      return pool === undefined ? [] : openFollowUps(pool, place.project, environment);
    },

    async closeFollowUp(id, note, actor) {
      const { pool } = await place.state();
      const found = await findFollowUp(pool, place.project, id);
      if (found === undefined) {
        throw new TminusError("USAGE_INVALID", `there is no task ${followUpName({ id })}`, {
          hint: "List them: tminus tasks",
        });
      }
      if (found.evidence === "attachment") {
        throw new TminusError("USAGE_INVALID", `task ${followUpName(found)} asks for an attachment`, {
          hint: "None can be handed in yet; it stays open.",
        });
      }
      return closeFollowUp(pool, id, { actor, note });
    },
  };
}
