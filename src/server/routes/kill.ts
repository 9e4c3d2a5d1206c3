import { asks, createRoute, json, problems, z, type Api } from "../api.ts";

/** For people who want to see that nothing is lost by it. Only the demo has it. */
export function addKill(api: Api, kill: () => void): void {
  const route = createRoute({
    method: "post",
    path: "/kill",
    ...asks("operate", "Demo", "End the server at once, as kill -9 does; there is no answer"),
    responses: { 200: json("Never sent", z.object({})), ...problems },
  });
  api.openapi(route, (c) => {
    kill();
    return c.json({}, 200);
  });
}
