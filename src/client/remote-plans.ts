import { TminusError, toErrorRecord } from "../errors.ts";
import { planHash } from "../model/plan-hash.ts";
import type { Plan } from "../model/plan.ts";
import type { Tminus } from "../model/tminus.ts";
import type { MadePlanResource } from "../server/contract/plan.ts";
import type { RunResource, RunSummary } from "../server/contract/run.ts";
import { PLAN_PATIENCE_MS, type Connection } from "./connection.ts";
import { known, runOf } from "./revive.ts";
import { runPath } from "./run-path.ts";

type PlanCalls = Pick<Tminus, "plan" | "checkPlan" | "checkWindow" | "start">;

/** A plan is made on the server, from the runbook that is there. */
export function remotePlans(connection: Connection): PlanCalls {
  return {
    async plan({ signal, progress, ...wanted }) {
      for await (const part of connection.stream("/plans/told", { method: "POST", json: wanted, signal })) {
        if (part.kind !== "message") continue;
        const said: unknown = JSON.parse(part.data);
        if (part.event === "progress") progress(String(said));
        if (part.event === "error") throw revived(said);
        if (part.event === "result") return whole((said as MadePlanResource).plan);
      }
      throw new TminusError("SERVER_SILENT", `${connection.url.origin} ended before the plan was made`);
    },
    checkPlan: async (plan, signal) => {
      await connection.send(
        "POST",
        "/plans/check",
        { plan, of: "inputs" },
        { signal, patienceMs: PLAN_PATIENCE_MS },
      );
    },
    checkWindow: async (plan) => {
      await connection.send("POST", "/plans/check", { plan, of: "window" });
    },
    async start(plan, _starter, options) {
      const wanted = { plan, ...known({ waitForWindow: options?.waitForWindow }) };
      const limits = { patienceMs: PLAN_PATIENCE_MS };
      const { id } = await connection.send<RunSummary>("POST", "/runs", wanted, limits);
      try {
        return runOf(await connection.get<RunResource>(runPath(id)));
      } catch (error) {
        const { code, message } = toErrorRecord(error);
        throw new TminusError(code, `run ${id} was started, and cannot be looked at: ${message}`, {
          hint: `Look again: tminus watch ${id}`,
          cause: error,
        });
      }
    },
  };
}

function whole(plan: Plan): Plan {
  if (planHash(plan) === plan.hash) return plan;
  throw new TminusError("PLAN_UNREADABLE", "the plan that the server made does not match its hash", {
    hint: "Look whether the server is of the same version.",
  });
}

function revived(said: unknown): TminusError {
  const { code, message, hint, details } = toErrorRecord(said);
  return new TminusError(code, message, { hint, details });
}
