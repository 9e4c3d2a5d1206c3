import { asks, createRoute, json, problems, z, type Api } from "../api.ts";
import { tokenSchema, userSchema } from "../contract/session.ts";
import { tokenResource, userResource } from "../resources.ts";
import type { ServerPorts } from "../server-ports.ts";

const TAG = "People";

/** They are changed on the command line, where passwords are typed at a terminal. */
export function addPeople(api: Api, { tminus }: ServerPorts): void {
  const users = createRoute({
    method: "get",
    path: "/users",
    ...asks("administer", TAG, "Who may sign in, by name"),
    responses: { 200: json("The users", z.object({ users: z.array(userSchema) })), ...problems },
  });
  api.openapi(users, async (c) => c.json({ users: (await tminus.people.users()).map(userResource) }, 200));

  const tokens = createRoute({
    method: "get",
    path: "/tokens",
    ...asks("administer", TAG, "Tokens without their secrets, newest first"),
    responses: { 200: json("The tokens", z.object({ tokens: z.array(tokenSchema) })), ...problems },
  });
  api.openapi(tokens, async (c) =>
    c.json({ tokens: (await tminus.people.tokens()).map(tokenResource) }, 200),
  );
}
