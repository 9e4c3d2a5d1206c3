import * as z from "zod";
import { roleSchema, type Actor } from "./actor.ts";
import type { Role } from "./role.ts";
import type { Secret } from "../lib/redact.ts";

/** Somebody who may sign in. Names and e-mails are kept in one spelling: no two users differ by case alone. */
export interface User {
  name: string;
  emails: string[];
  roles: Role[];
  hasPassword: boolean;
  createdAt: Date;
  createdBy: string;
  disabledAt?: Date;
}

/** A token without its secret. */
export interface ApiToken {
  id: string;
  name: string;
  owner: string;
  kind: "human" | "agent";
  /** At most the owner's, also when the owner loses one later. */
  roles: Role[];
  createdAt: Date;
  createdBy: string;
  expiresAt: Date;
  lastUsedAt?: Date;
  revokedAt?: Date;
}

/** What somebody brings along to say who they are. */
export type Claim =
  | { by: "name"; name: string }
  | { by: "password"; name: string; password: Secret }
  /** Somebody whom an identity provider signed in, as the caller has checked, with an e-mail that it verified. */
  | { by: "oidc"; issuer: string; email: string }
  /** `name` must be the owner's when it is given. */
  | { by: "token"; token: Secret; name?: string };

export const newUserSchema = z.strictObject({
  name: z
    .string()
    .trim()
    .min(1)
    .max(100)
    .regex(/^[^\p{Cc}\p{Cf}]*$/u),
  emails: z.array(z.email().max(254)).max(20),
  roles: z.array(roleSchema),
});
export type NewUser = z.output<typeof newUserSchema>;

/** No token is good for longer: one that is forgotten ends. */
export const MAX_TOKEN_MS = 366 * 86_400_000;

export interface NewToken {
  name: string;
  owner: string;
  kind: "human" | "agent";
  roles: Role[];
  /** From now, in ms; at most MAX_TOKEN_MS. */
  validMs: number;
}

export interface MadeToken {
  token: ApiToken;
  secret: Secret;
}

/** A user's change; what is left out stays. */
export interface UserChange {
  roles?: Role[];
  disabled?: true;
  password?: Secret;
}

/**
 * Users and tokens of the state. Only an admin's checked identity may change them, and a user their own password and tokens.
 * Errors of every change: PERMISSION_REFUSED, USER_INVALID.
 */
export interface People {
  /** The first user is made by anybody, and is an admin. `token`: also a token with all of the user's roles. */
  addUser(
    user: NewUser,
    credentials: { password?: Secret; token?: true },
    actor: Actor,
  ): Promise<{ user: User; token?: MadeToken }>;
  hasUsers(): Promise<boolean>;
  /** By name. */
  users(): Promise<User[]>;
  changeUser(name: string, change: UserChange, actor: Actor): Promise<User>;
  /** The only time that the token itself is there. */
  createToken(token: NewToken, actor: Actor): Promise<MadeToken>;
  /** Newest first. */
  tokens(): Promise<ApiToken[]>;
  /** May be repeated. */
  revokeToken(id: string, actor: Actor): Promise<ApiToken>;
}
