import { z } from "@hono/zod-openapi";
import { MAX_TOKEN_MS } from "../../model/people.ts";
import { roles } from "../../model/role.ts";
import { allowedActionsOf } from "./allowed-action.ts";

export const roleSchema = z.enum(roles).openapi("Role");

export const whoSchema = z
  .object({
    name: z.string(),
    kind: z.enum(["human", "agent", "unknown"]),
    roles: z.array(roleSchema),
    checked: z.enum(["password", "oidc", "token", "none"]),
  })
  .openapi("Who");

/** What a console has to know before anything else; the only resource that asks for no identity. */
export const sessionSchema = z
  .object({
    who: whoSchema.nullable().openapi({ description: "Nobody has signed in: null" }),
    isSetUp: z
      .boolean()
      .openapi({ description: "Whether there is a user; the first one is made by the set-up link" }),
    project: z.string(),
    environments: z.array(z.object({ name: z.string(), isProtected: z.boolean() })),
    oidc: z
      .string()
      .nullable()
      .openapi({ description: "Issuer by which people may sign in, at /api/login/oidc" }),
    canBeKilled: z
      .boolean()
      .openapi({ description: "Whether POST /api/kill ends the server, as in the demo" }),
    version: z.string(),
    allowedActions: allowedActionsOf("add-user", "create-token"),
  })
  .openapi("Session");
export type Session = z.output<typeof sessionSchema>;

export const loginSchema = z.strictObject({
  name: z.string().min(1).max(254),
  password: z.string().min(1).max(1000),
});
export const setUpSchema = z.strictObject({
  code: z.string().max(200).openapi({ description: "From the link that the server printed" }),
  name: z.string().min(1).max(100),
  email: z.email().max(254),
  password: z.string().min(12).max(1000),
});

export const userSchema = z
  .object({
    name: z.string(),
    emails: z.array(z.string()),
    roles: z.array(roleSchema),
    hasPassword: z.boolean(),
    createdAt: z.iso.datetime(),
    createdBy: z.string(),
    disabledAt: z.iso.datetime().optional(),
    allowedActions: allowedActionsOf("change", "set-password"),
  })
  .openapi("User");
export type UserResource = z.output<typeof userSchema>;

export const tokenSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    owner: z.string(),
    kind: z.enum(["human", "agent"]),
    roles: z.array(roleSchema),
    createdAt: z.iso.datetime(),
    createdBy: z.string(),
    expiresAt: z.iso.datetime(),
    lastUsedAt: z.iso.datetime().optional(),
    revokedAt: z.iso.datetime().optional(),
    allowedActions: allowedActionsOf("revoke"),
  })
  .openapi("Token");
export type TokenResource = z.output<typeof tokenSchema>;

const password = z.string().min(1).max(1000).openapi({ format: "password" });

export const newUserBody = z.strictObject({
  name: z.string().max(100),
  emails: z.array(z.string().max(254)).max(20),
  roles: z.array(roleSchema).max(20),
  password: password.optional().openapi({ description: "Left out for somebody who signs in otherwise" }),
  withToken: z.boolean().default(false).openapi({ description: "Also a token with all of the user's roles" }),
});

export const userChangeBody = z.strictObject({
  roles: z.array(roleSchema).max(20).optional(),
  isDisabled: z.literal(true).optional(),
  password: password.optional(),
});

export const newTokenBody = z.strictObject({
  name: z.string().min(1).max(100),
  owner: z.string().max(100).optional().openapi({ description: "Whoever asks, when left out" }),
  kind: z.enum(["human", "agent"]),
  roles: z.array(roleSchema).max(20),
  validMs: z
    .int()
    .min(1)
    .max(MAX_TOKEN_MS)
    .openapi({ description: "From now, in milliseconds", example: 2_592_000_000 }),
});

/** `secret` is there only this once: a repeated request is answered without it. */
export const madeTokenSchema = z
  .object({ token: tokenSchema, secret: z.string().optional() })
  .openapi("MadeToken");
export type MadeTokenResource = z.output<typeof madeTokenSchema>;
