import type * as z from "zod";
import type { JsonObject } from "../model/json.ts";
import type { GateKind } from "../model/gate-kind.ts";

/** A gate kind as the registry holds it: what its settings are is known to its schema alone. */
export type AnyGateKind = GateKind<JsonObject>;

/** Declares a gate kind. The type of `with` follows from `schema`; the result is the erased form. */
export function defineGate<Schema extends z.ZodType>(
  definition: GateKind<z.output<Schema>> & { schema: Schema },
): AnyGateKind {
  return definition as unknown as AnyGateKind;
}
