import * as z from "zod";
import { parseDuration } from "../../lib/duration.ts";
import { durationSchema, idSchema, type IssueParams } from "../../model/runbook.ts";

const MAX_STABLE_MS = 14 * 24 * 3_600_000;

const statementSchema = z.strictObject({
  id: idSchema.describe("Name by which it is attested, unique in the list"),
  text: z.string().min(1).max(500).describe("What the person says is so"),
  by: z.string().min(1).max(100).optional().describe("Who has to say it; anybody when left out"),
});

export const signOffSchema = z
  .strictObject({
    evidence: z
      .array(idSchema)
      .max(100)
      .default([])
      .refine((ids) => new Set(ids).size === ids.length, "names a step twice")
      .describe("Earlier steps that have to be good: smoke tests, watches"),
    attest: z
      .array(statementSchema)
      .max(200)
      .default([])
      .refine(
        (items) => new Set(items.map(({ id }) => id)).size === items.length,
        "has two statements with the same id",
      )
      .describe("What people state, each with their name and a note"),
    stable: durationSchema
      .refine((text) => (parseDuration(text) ?? 0) <= MAX_STABLE_MS, "is longer than 14 days")
      .optional()
      .describe("How long after T-0 and after the last change of traffic, at the earliest"),
    every: durationSchema
      .default("5m")
      .describe(
        "How often it is looked meanwhile whether traffic, the public address, and what the smoke and db.verify steps under evidence saw are still the same",
      ),
  })
  .superRefine(({ evidence, attest, stable }, { addIssue }) => {
    if (evidence.length + attest.length === 0 && stable === undefined) {
      const params: IssueParams = {
        hint: "name steps under evidence, statements under attest, or a time under stable",
      };
      addIssue({ code: "custom", message: "there is nothing to sign off", params });
    }
    attest.forEach(({ id }, index) => {
      if (evidence.includes(id))
        addIssue({
          code: "custom",
          path: ["attest", index, "id"],
          message: "is the name of a step under evidence too",
        });
    });
  });

export type SignOffSettings = z.output<typeof signOffSchema>;
