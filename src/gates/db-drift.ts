import * as z from "zod";
import { driftJson, driftReason, sqlLines } from "../postgres/drift/drift-text.ts";
import { driftOptions, driftSettings } from "../postgres/drift/settings.ts";
import { defineGate } from "./define.ts";
import type { GateVerdict } from "../model/gate-kind.ts";

/** Passes when nobody changed the database's schema besides tminus. */
export const dbDrift = defineGate({
  kind: "db.drift",
  summary:
    "Passes when the live schema is what the files that have run say, and what it was when last verified.",
  requirements: ["B5", "C8"],
  schema: z.strictObject(driftSettings),
  example: "directory: releases/{release}/migrations\nexpected: both\n",

  async check(context): Promise<GateVerdict> {
    const { checkDrift } = await import("../postgres/drift/check-drift.ts");
    try {
      const outcome = await checkDrift(await driftOptions(context, (text) => context.progress(text)));
      if (outcome.state === "unknown")
        return { verdict: "unknown", reason: outcome.reason, fix: "run tminus db drift to see why" };
      const { drift, sql, live, notes, against } = outcome;
      if (drift.length === 0)
        return {
          verdict: "pass",
          reason: `${live.objects.length} objects are as expected (${against.join(" and ")})`,
          evidence: { notes },
        };
      return {
        verdict: "fail",
        reason: driftReason(drift),
        evidence: { notes, drift: driftJson(drift), sql: sqlLines(sql) },
        fix: "write the change as a migration, or take it back with the SQL of tminus db drift --sql",
      };
    } catch (error) {
      context.signal.throwIfAborted();
      // A database or a scratch server that does not answer says nothing about the schema.
      return {
        verdict: "unknown",
        reason: context.redact(error instanceof Error ? error.message : String(error)),
        fix: "run tminus db drift to see why",
      };
    }
  },
});
