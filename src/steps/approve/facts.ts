import * as z from "zod";

const partSchema = z.union([
  z.strictObject({ people: z.array(z.strictObject({ name: z.string(), email: z.string() })) }),
  z.strictObject({ unknown: z.string() }),
]);

/** Who made what is to be released, or why that is not known. */
export const authorshipSchema = z.strictObject({
  range: z.string().describe("Which commits: 'since v1'"),
  authors: partSchema,
  migrationAuthors: partSchema,
  configEditors: partSchema,
});
export type Authorship = z.output<typeof authorshipSchema>;
export type AuthorshipPart = z.output<typeof partSchema>;

/** What was found out when planning. */
export const approveFactsSchema = z.strictObject({
  hasUsers: z.boolean(),
  /** null when nobody is kept from approving by what they wrote. */
  authorship: authorshipSchema.nullable(),
});
export type ApproveFacts = z.output<typeof approveFactsSchema>;
