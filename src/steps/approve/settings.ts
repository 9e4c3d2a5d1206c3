import * as z from "zod";
import { exclusions } from "../../approvals/decide-approvals.ts";
import { canonicalName } from "../../model/person-name.ts";
import { roleSchema } from "../../model/actor.ts";
import { durationSchema } from "../../model/runbook.ts";

const commit = z.string().min(1).max(250);

export const approveSchema = z
  .strictObject({
    count: z.int().min(1).max(20).default(1).describe("How many different people must approve"),
    from: z
      .array(z.string().min(1))
      .min(1)
      .max(100)
      .optional()
      .describe("Whose approval counts; everybody's when left out"),
    roles: z
      .array(roleSchema)
      .min(1)
      .optional()
      .describe("Roles of which a person needs one; approver where names are checked, none elsewhere"),
    not: z
      .array(z.enum(exclusions))
      .optional()
      .describe("Who may not approve; all of these where the environment is protected, nobody elsewhere"),
    checked: z
      .boolean()
      .optional()
      .describe("Whether only those count who have signed in; true when there are users or roles are named"),
    agents: z.enum(["count", "ignore"]).default("ignore").describe("What the approval of a program is worth"),
    expires: durationSchema
      .optional()
      .describe("How long an approval holds while others are waited for; for ever when left out"),
    authors: z
      .enum(["required", "unknown-allowed"])
      .default("required")
      .describe("Whether the plan is blocked when git cannot say who wrote the release"),
    commit: commit
      .optional()
      .describe("The release's commit: a tag, branch or hash; the release's name when left out"),
    since: commit.optional().describe("The same for the release before it; its name when left out"),
    migrations: z
      .array(z.string().min(1).max(500))
      .min(1)
      .max(50)
      .optional()
      .describe("Folders of migrations in the project; those usual for migrations when left out"),
    timeout: durationSchema.default("24h").describe("When the step fails for want of approvals"),
  })
  .refine(({ count, from }) => from === undefined || new Set(from.map(canonicalName)).size >= count, {
    error: "names fewer people than approvals are needed",
    path: ["from"],
  })
  .refine(({ checked, roles }) => checked !== false || roles === undefined, {
    error: "cannot be false with roles: only users have them",
    path: ["checked"],
  });

export type ApproveSettings = z.output<typeof approveSchema>;
