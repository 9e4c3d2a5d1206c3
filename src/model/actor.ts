import * as z from "zod";
import { roles } from "./role.ts";

export const roleSchema = z.enum(roles);

/** How it is known who acts. */
const checkedSchema = z.discriminatedUnion("by", [
  z.strictObject({ by: z.literal("none") }),
  z.strictObject({ by: z.literal("password") }),
  z.strictObject({ by: z.literal("oidc"), issuer: z.string().describe("Whose word it is") }),
  z.strictObject({ by: z.literal("token"), token: z.string().describe("Its id, never the token itself") }),
]);

/** Who did something, as it was known in that moment: roles and e-mails are those of then. */
export const actorSchema = z.strictObject({
  name: z.string().describe("The user's name when it was checked; otherwise what somebody says"),
  checked: checkedSchema,
  kind: z.enum(["human", "agent", "unknown"]).describe("unknown: nobody has checked the name"),
  emails: z.array(z.string()),
  roles: z.array(roleSchema).describe("Of a token no more than the token has"),
});
export type Actor = z.output<typeof actorSchema>;

/** Somebody who says a name that nobody has checked. */
export function uncheckedActor(name: string): Actor {
  return { name, checked: { by: "none" }, kind: "unknown", emails: [], roles: [] };
}
