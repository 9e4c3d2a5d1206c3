import { streamSSE } from "hono/streaming";
import { asks, createRoute, problems, z, type Api } from "../api.ts";
import { every } from "../../lib/clock.ts";
import { whyNotPermitted } from "../../model/permission.ts";
import { eventResource } from "../resources.ts";
import type { ServerPorts } from "../server-ports.ts";

const PING_MS = 15_000;

/**
 * All runs' events as they are written (https://html.spec.whatwg.org/multipage/server-sent-events.html). Ids rise, and each
 * tells the instant of its event: whoever comes back with the last one, to this or to another server, misses nothing and
 * may get some again, which their run and sequence tell.
 */
export function addEvents(api: Api, { tminus, closing, log }: ServerPorts): void {
  const follow = createRoute({
    method: "get",
    path: "/events",
    ...asks(
      "read",
      "Events",
      "Follow all runs: server-sent events named run-event, with an event and its environment",
    ),
    request: {
      headers: z.object({
        "last-event-id": z
          .string()
          .regex(/^\d{1,19}$/)
          .optional(),
      }),
    },
    responses: {
      200: {
        description: "A stream that does not end",
        content: { "text/event-stream": { schema: z.string() } },
      },
      ...problems,
    },
  });
  api.openapi(follow, (c) => {
    const given = c.req.header("last-event-id");
    const lastId = given === undefined ? undefined : Number(given);
    const whoNow = c.get("whoNow");
    const maySee = async (): Promise<boolean> => {
      const who = await whoNow();
      return who !== undefined && whyNotPermitted(who, "read") === undefined;
    };
    // Proxies that collect answers before they pass them on would keep everything back.
    c.header("X-Accel-Buffering", "no");
    return streamSSE(
      c,
      async (stream) => {
        const gone = new AbortController();
        stream.onAbort(() => gone.abort(new Error("the reader is gone")));
        const signal = AbortSignal.any([gone.signal, closing]);
        const stopPinging = every(PING_MS, () => {
          void stream.write(": ping\n\n");
          maySee().then(
            (may) => may || gone.abort(new Error("the reader may not look any more")),
            (error: unknown) => gone.abort(error),
          );
        });
        try {
          await stream.write(": follows\n\n");
          let id = lastId ?? 0;
          const since = lastId === undefined ? undefined : new Date(Math.floor(lastId / 1000));
          for await (const event of tminus.followAll(since, signal)) {
            id = Math.max(id + 1, event.at.getTime() * 1000);
            await stream.writeSSE({
              id: String(id),
              event: "run-event",
              data: JSON.stringify(eventResource(event)),
            });
          }
        } finally {
          stopPinging();
        }
      },
      async (error) => log(`a stream of events ended: ${error.message}`),
    );
  });
}
