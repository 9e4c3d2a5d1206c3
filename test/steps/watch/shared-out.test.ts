import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/lib/clock.ts";
import { EdgeSource } from "../../../src/providers/local/edge-source.ts";
import type { EdgeClient } from "../../../src/providers/local/edge-client.ts";
import { askSource, type CounterReading } from "../../../src/steps/watch/ask-source.ts";
import type { Look, Seen } from "../../../src/watch/fold/look.ts";
import { openApp } from "../../providers/local/edge/in-process.ts";
import { ask, documentOf, Rig, routeTo } from "../../providers/local/rig.ts";
import { folded, SECOND, verdictOf, watchOf } from "../../watch/fold/simulated-watch.ts";

const rig = new Rig();
afterEach(() => rig.cleanUp());
const { signal } = new AbortController();

const LOOKS = 15;
const EVERY_MS = 10 * SECOND;
/** Half of 10,000: buckets below are the release's. */
const FIRST_OF_CONTROL = 5_000;

const rule = { text: "r: when error_rate > control + 2pp -> rollback", exposure: 0.5 };
const watch = watchOf([rule], { durationMs: LOOKS * EVERY_MS, everyMs: EVERY_MS });

/** An edge with half of the buckets for "v2", which fails to answer what is not read, and the others for "v1". */
async function serving() {
  const healthy = await openApp(rig, (_request, response) => response.end());
  const breaking = await openApp(rig, (request, response) =>
    request.method === "GET" ? response.end() : request.socket.destroy(),
  );
  const { context, port } = await rig.edge(await rig.folder());
  const share = async (percent: number, generation: number): Promise<void> => {
    const routes = [routeTo("v2", breaking.port, percent), routeTo("v1", healthy.port, 100 - percent)];
    expect(await context.client.putDocument(documentOf(generation, routes))).toEqual({ result: "accepted" });
  };
  await share(50, 1);
  return { port, client: context.client, share };
}

/** What a watch sees of both at looks between which `happen` was awaited; one look stands for 10 s. */
async function looking(client: EdgeClient, happen: (look: number) => Promise<unknown>): Promise<Look[]> {
  const source = new EdgeSource(client, systemClock);
  const counters = new Map<string, CounterReading>();
  const stages = [{ name: "all", fromMs: 0, untilMs: Number.MAX_SAFE_INTEGER, everyMs: 250 }];
  const see = async (release: string): Promise<Seen | undefined> => {
    const nowMs = systemClock.now().getTime();
    const question = { metric: { kind: "error_rate" }, form: "counts", stages, nowMs, cursorMs: 0 } as const;
    const counter = counters.get(release);
    const found = await askSource({ ...question, source, release, counter }, signal);
    counters.set(release, found.counter!);
    return found.spans[0]?.seen;
  };
  const looks: Look[] = [];
  await Promise.all(["v2", "v1"].map(see));
  for (let look = 0; look < LOOKS; look++) {
    await happen(look);
    const [seen, control] = [await see("v2"), await see("v1")];
    const toMs = (look + 1) * EVERY_MS;
    const span = { fromMs: toMs - EVERY_MS, toMs, askedAtMs: toMs };
    looks.push({ rule: "r", source: "prom", ...span, seen: seen!, control: control! });
  }
  return looks;
}

function often(times: number, ask: (index: number) => Promise<unknown>): Promise<unknown> {
  return Promise.all(Array.from({ length: times }, (_, index) => ask(index)));
}

/** As if the source did not know of new clients. */
function withoutVisitors(looks: readonly Look[]): Look[] {
  return JSON.parse(JSON.stringify(looks), (key, value: unknown) =>
    key === "visitors" ? undefined : value,
  ) as Look[];
}

describe("a release beside its control at the real edge", () => {
  it("is compared although few clients, of whom some more came to it before the watch, send all requests", async () => {
    const { port, client } = await serving();
    const looks = await looking(client, () =>
      often(40, (index) => {
        const bucket = index < 24 ? index : FIRST_OF_CONTROL + index;
        return ask(port, "/", { headers: { cookie: `tminus-bucket=${bucket}` } });
      }),
    );
    expect(looks[0]).toMatchObject({ seen: { total: 24, visitors: 0 }, control: { total: 16, visitors: 0 } });
    expect(verdictOf(watch, folded(watch, looks)).reason).not.toContain("not shared out");
    expect(verdictOf(watch, folded(watch, withoutVisitors(looks))).reason).toContain("not shared out");
  });

  it("is judged by its errors although what it breaks is drawn anew again and again", async () => {
    const { port, client } = await serving();
    const looks = await looking(client, () =>
      often(15, async () => {
        const { headers } = await ask(port, "/", { method: "POST" });
        const [cookie = ""] = headers["set-cookie"] ?? [];
        await often(4, () => ask(port, "/", { method: "POST", headers: { cookie } }));
      }),
    );
    expect(verdictOf(watch, folded(watch, looks))).toMatchObject({ verdict: "FAIL" });
  });

  it("is not compared when the shares are changed behind its watch", async () => {
    const { port, client, share } = await serving();
    const looks = await looking(client, async (look) => {
      if (look === 0) await share(90, 2);
      await often(25, (index) => ask(port, "/", { method: index % 2 === 0 ? "GET" : "POST" }));
    });
    expect(verdictOf(watch, folded(watch, looks))).toMatchObject({
      verdict: "INCONCLUSIVE",
      reason: expect.stringMatching(
        /of 375 new clients \d{3} came to the release, 188 were expected/,
      ) as string,
    });
  });
});
