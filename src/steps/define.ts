import type * as z from "zod";
import type { Json } from "../model/json.ts";
import type { StepKind } from "../model/step-kind.ts";

/**
 * Declares a step kind. The types of `with` and of the facts follow from `schema` and from what `gather`
 * returns; the result is the erased form that the registry and the engine handle.
 */
export function defineStep<Schema extends z.ZodType, Facts extends Json = null>(
  definition: StepKind<z.output<Schema>, Facts> & { schema: Schema },
): StepKind {
  return definition as unknown as StepKind;
}
