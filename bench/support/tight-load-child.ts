import { Agent, request } from "node:http";
import { systemClock } from "../../src/lib/clock.ts";

/**
 * Visitors who each ask again as soon as they were answered, on connections that are kept, with the cookie
 * that they were given. Arguments: port, visitors, milliseconds. Prints {"requests", "failed"}.
 */
const [port, visitors, durationMs] = process.argv.slice(2).map(Number);
const until = systemClock.monotonicMs() + durationMs!;
const counts = { requests: 0, failed: 0 };

await Promise.all(Array.from({ length: visitors! }, visit));
process.stdout.write(`${JSON.stringify(counts)}\n`);

async function visit(): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let cookie: string | undefined;
  while (systemClock.monotonicMs() < until) {
    const answer = await ask(agent, cookie);
    counts.requests += 1;
    if (answer.status !== 200) counts.failed += 1;
    cookie ??= answer.cookie;
  }
  agent.destroy();
}

/** Never rejects; status 0 stands for no answer. */
function ask(agent: Agent, cookie: string | undefined): Promise<{ status: number; cookie?: string }> {
  return new Promise((resolve) => {
    const none = (): void => resolve({ status: 0 });
    const headers = cookie === undefined ? {} : { cookie };
    const call = request({ host: "127.0.0.1", port, path: "/", agent, headers });
    call.once("error", none);
    call.once("response", (response) => {
      const given = response.headers["set-cookie"]?.[0]?.split(";")[0];
      response.resume();
      response.once("error", none);
      response.once("end", () =>
        resolve({ status: response.statusCode ?? 0, ...(given === undefined ? {} : { cookie: given }) }),
      );
    });
    call.end();
  });
}
