import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { TminusError } from "../errors.ts";
import type { Actor } from "../model/actor.ts";
import type { Permission } from "../model/permission.ts";
import { errorBodySchema } from "./contract/error.ts";
import { permit } from "./middleware/permit.ts";

/** What the middleware hands to the routes. */
export interface ApiEnvironment {
  Variables: {
    /** Who asks; undefined when nobody has signed in. Only the routes that ask for no permission see it so. */
    who: Actor | undefined;
    /** Finds out anew, for what lasts: a session can end, and a token be revoked. */
    whoNow: () => Promise<Actor | undefined>;
    /** What a repeated request is answered, where the first answer has a secret that is told once. */
    answerToRepeat: object | undefined;
  };
}

export type Api = OpenAPIHono<ApiEnvironment>;

/** Input that does not fit is refused with the place of what is wrong. */
export function newApi(): Api {
  return new OpenAPIHono<ApiEnvironment>({
    defaultHook: (result) => {
      if (result.success) return;
      const [issue] = result.error.issues;
      const where = [result.target, ...(issue?.path ?? [])].join(".");
      throw new TminusError("USAGE_INVALID", `${where}: ${issue?.message ?? "is not understood"}`, {
        hint: "Look at /api/openapi.json for what the request has to be.",
      });
    },
  });
}

const problem = (description: string) => ({
  description,
  content: { "application/json": { schema: errorBodySchema } },
});

/** The answers that every route may give beside its own. */
export const problems = {
  400: problem("The request is not understood"),
  401: problem("Nobody has signed in, or what they brought is not good"),
  403: problem("Whoever has signed in may not do that"),
  404: problem("It does not exist"),
  409: problem("It cannot be done as things are"),
  429: problem("Too many requests"),
  503: problem("The state database does not answer"),
} as const;

export function json<Schema extends z.ZodType>(description: string, schema: Schema) {
  return { description, content: { "application/json": { schema } } };
}

export function body<Schema extends z.ZodType>(schema: Schema) {
  return { required: true, content: { "application/json": { schema } } };
}

/** For createRoute: who may call it, and how the document lists it. */
export function asks(permission: Permission, tag: string, summary: string) {
  return { middleware: permit(permission), tags: [tag], summary };
}

export { createRoute, z };
