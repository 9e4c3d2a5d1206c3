import { TminusError } from "../errors.ts";
import { enforcedOwner, followUpName } from "../model/follow-up.ts";
import type { Tminus } from "../model/tminus.ts";
import { closeFollowUp, findFollowUp, openFollowUps } from "../store/follow-ups.ts";
import { requireKept } from "./evidence.ts";
import { requireDemanded, requireOwner } from "./require-owner.ts";
import { requirePermission } from "./require-permission.ts";
import { hasUsers } from "../store/people.ts";
import { findPool, type StatePlace } from "./state-place.ts";

type FollowUpCalls = Pick<Tminus, "followUps" | "closeFollowUp">;

/** What is still to be done after deploys. */
export function openFollowUpCalls(
  place: StatePlace,
  environmentOf: (name: string) => { name: string; protected: boolean },
): FollowUpCalls {
  return {
    /** Makes no state where there was none: nothing was ever deployed there. */
    async followUps(environment) {
      const pool = await findPool(place);
      return pool === undefined ? [] : openFollowUps(pool, place.project, environment);
    },

    async closeFollowUp(id, { note, attachment }, actor) {
      const { pool } = await place.state();
      const found = await findFollowUp(pool, place.project, id);
      if (found === undefined) {
        throw new TminusError("USAGE_INVALID", `there is no task ${followUpName({ id })}`, {
          hint: "List them: tminus tasks",
        });
      }
      await requirePermission(pool, actor, "close a task", environmentOf(found.environment));
      const name = `task ${followUpName(found)}`;
      requireOwner(name, enforcedOwner(found), actor, await hasUsers(pool));
      requireDemanded(name, found.evidence, { note, hasFile: attachment !== undefined });
      if (attachment === undefined) return closeFollowUp(pool, id, { actor, note });
      await requireKept(pool, attachment);
      return closeFollowUp(pool, id, { actor, note, attachment: attachment.sha256 });
    },
  };
}
