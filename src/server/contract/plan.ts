import { z } from "@hono/zod-openapi";
import { planSchema } from "../../model/plan.ts";
import { allowedActionsOf } from "./allowed-action.ts";

/**
 * A plan, checked by the model's own schema. For the document it is translated by zod itself: the document's generator does
 * not come to an end with values that may hold any JSON, which are named Json there.
 */
export const planResourceSchema = planSchema.clone().openapi("Plan", documented());

export const madePlanSchema = z.object({
  plan: planResourceSchema,
  isBlocked: z.boolean(),
  blocked: z.array(z.object({ where: z.string(), reason: z.string(), fix: z.string().optional() })),
  summary: z.string(),
  allowedActions: allowedActionsOf("start"),
});
export type MadePlanResource = z.output<typeof madePlanSchema>;

export const jsonComponent: object = {
  description: "Any JSON value",
};

function documented(): object {
  const { $schema: _, $defs: __, ...schema } = z.toJSONSchema(planSchema, { io: "input" });
  const anyJson = (_key: string, value: unknown): unknown =>
    typeof value === "object" && value !== null && "$ref" in value
      ? { ...value, $ref: "#/components/schemas/Json" }
      : value;
  return JSON.parse(JSON.stringify(schema, anyJson)) as object;
}
