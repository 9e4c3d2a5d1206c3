import * as z from "zod";
import type { MeasuredBefore } from "../../watch/fold/resolve-test.ts";

/** What was measured before traffic moved: by rule, then by source. */
export type KeptBaselines = Partial<Record<string, Partial<Record<string, MeasuredBefore>>>>;

const baselineSchema = z.discriminatedUnion("form", [
  z
    .object({
      form: z.literal("counts"),
      bad: z.number().min(0),
      total: z.number().min(0),
      dispersion: z.number().exactOptional(),
    })
    .refine(({ bad, total }) => bad <= total),
  z.object({ form: z.literal("values"), value: z.number() }),
]);
const ruleSchema = z.object({
  rule: z.object({ name: z.string() }),
  sources: z.array(z.object({ name: z.string(), before: z.unknown() })),
});
const savedSchema = z.object({ definition: z.object({ rules: z.array(z.unknown()) }) });

/**
 * The baselines of what any version of tminus has kept of a watch; empty when there are none that can be read. They
 * cannot be had again: by now the release that is watched is part of what was before.
 */
export function keptBaselines(found: unknown): KeptBaselines {
  const saved = savedSchema.safeParse(found);
  if (!saved.success) return {};
  const kept: KeptBaselines = {};
  for (const one of saved.data.definition.rules) {
    const own = ruleSchema.safeParse(one);
    if (!own.success) continue;
    for (const { name, before } of own.data.sources) {
      const measured = baselineSchema.safeParse(before);
      if (measured.success) kept[own.data.rule.name] = { ...kept[own.data.rule.name], [name]: measured.data };
    }
  }
  return kept;
}
