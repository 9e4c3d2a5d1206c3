import { readFileSync, readdirSync } from "node:fs";
import { Agent } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startLoad } from "../../src/testing/load-generator.ts";
import { shopScenario } from "../../src/testing/shop-scenario.ts";
import { freshDatabase, type FreshDatabase } from "../support/database.ts";
import { shopClient, sql, type ShopClient } from "./shop-client.ts";
import { migrate, releasesFolder, startShop } from "./shop-server.ts";

let database: FreshDatabase;

beforeAll(async () => {
  database = await freshDatabase();
  await migrate("v2", database.url);
});

afterAll(async () => {
  await database?.drop();
});

describe("the releases", () => {
  it("carry byte-identical copies of the migrations they share", () => {
    const read = (release: string): [string, string][] => {
      const folder = join(releasesFolder, release, "migrations");
      return readdirSync(folder)
        .sort()
        .map((file) => [file, readFileSync(join(folder, file), "utf8")]);
    };
    const [v1, v2] = [read("v1"), read("v2")];
    expect(v1).toHaveLength(1);
    expect(v2.slice(0, 1)).toEqual(v1);
    expect(v2).toHaveLength(2);
    expect(read("v3")).toEqual(v2);
    expect(read("v4")).toEqual(v2);
  });

  it("can go down to an empty database and up again", async () => {
    const own = await freshDatabase();
    try {
      await migrate("v2", own.url);
      await migrate("v2", own.url, "down");
      const left = await sql(
        own.url,
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace",
      );
      expect(left).toEqual([]);
      await migrate("v2", own.url);
    } finally {
      await own.drop();
    }
  });

  it("v1 serves on while the column of v2 arrives and goes, and v2 shows it", async () => {
    const own = await freshDatabase();
    await migrate("v1", own.url);
    const v1 = await startShop("v1", own.url);
    const load = startLoad({
      baseUrl: v1.url,
      requestsPerSecond: 100,
      connections: 10,
      scenario: shopScenario(),
    });
    const column = join(releasesFolder, "v2", "migrations", "20260212140000_product_badge.sql");
    const [, up = "", down = ""] = readFileSync(column, "utf8").split(/^-- tminus: (?:up|down)$/m);
    const atLeast = (count: number): Promise<void> =>
      expect.poll(() => load.snapshot().total.requests, { timeout: 20_000 }).toBeGreaterThan(count);
    try {
      await atLeast(60);
      await sql(own.url, up);
      await atLeast(140);
      expect((await shopClient(() => v1).get("/api/products/1")).body.product).not.toHaveProperty("badge");
      await sql(own.url, down);
      await atLeast(220);
      const report = await load.stop();
      expect(report.total).toMatchObject({ failed: 0, errors: {} });
      expect(Object.keys(report.total.statuses).sort()).toEqual(["200", "201"]);
    } finally {
      await load.stop();
      await v1.stop();
      await own.drop();
    }
  });

  it("v3 fails 8 % of the orders, leaves nothing of them behind, and passes its health check", async () => {
    const v3 = await startShop("v3", database.url);
    const { get, order, signUp } = shopClient(() => v3);
    try {
      const token = await signUp();
      const before = (await sql(database.url, "SELECT count(*)::int AS orders FROM orders"))[0];
      const statuses: number[] = [];
      for (let batch = 0; batch < 40; batch++) {
        const answers = await Promise.all(Array.from({ length: 20 }, () => order(token)));
        statuses.push(...answers.map((answer) => answer.status));
      }
      const failed = statuses.filter((status) => status === 500).length;
      const placed = statuses.filter((status) => status === 201).length;
      expect(failed + placed).toBe(800);
      expect((failed / 800) * 100).toBeGreaterThan(4);
      expect((failed / 800) * 100).toBeLessThan(12);
      const after = (await sql(database.url, "SELECT count(*)::int AS orders FROM orders"))[0];
      expect(after!.orders - before!.orders).toBe(placed);
      expect(await get("/health")).toMatchObject({ status: 200, body: { release: "v3" } });
      expect((await get("/api/products")).status).toBe(200);
    } finally {
      await v3.stop();
    }
  });

  it("v4 passes its health check while its products and orders take about two seconds, and fails none", async () => {
    const v4 = await startShop("v4", database.url);
    const load = startLoad({
      baseUrl: v4.url,
      requestsPerSecond: 60,
      connections: 20,
      scenario: shopScenario(),
    });
    try {
      await expect
        .poll(() => load.snapshot().byName["place order"]?.requests ?? 0, { timeout: 30_000 })
        .toBeGreaterThan(20);
      expect((await shopClient(() => v4).get("/health")).status).toBe(200);
      const { total, byName } = await load.stop();
      expect(total.failed).toBe(0);
      for (const name of ["show product", "list products", "place order"]) {
        expect(byName[name]?.latency.p95Ms).toBeGreaterThan(1500);
      }
      const slow = byName["place order"]!.latency.p50Ms!;
      expect(byName["front page"]!.latency.p50Ms!).toBeLessThan(slow);
    } finally {
      await load.stop();
      await v4.stop();
    }
  });
});

describe("SIGTERM", () => {
  it("loses no request that was begun, and ends with 0", async () => {
    const server = await startShop("v2", database.url);
    const client = shopClient(() => server);
    const token = await client.signUp();
    try {
      const clients = Array.from({ length: 16 }, () => orderUntilClosed(client, token));
      await expect
        .poll(() => clients.every((client) => client.answered() > 3), { timeout: 20_000 })
        .toBe(true);
      server.signal("SIGTERM");
      const ends = await Promise.all(clients.map((client) => client.ended));
      expect(ends).toEqual(ends.map(() => "closed by the server"));
      expect(await server.exited).toBe(0);
      expect(server.output()).toContain('"event":"stopped","release":"v2","clean":true');
    } finally {
      await server.stop();
    }
  });

  it("waits for a request that takes seconds, and takes no new connection meanwhile", async () => {
    const v4 = await startShop("v4", database.url);
    const { get, send } = shopClient(() => v4);
    const agent = new Agent({ keepAlive: true });
    try {
      const slow = send(agent, "GET", "/api/products/1");
      await expect.poll(async () => (await get("/health")).status).toBe(200);
      v4.signal("SIGTERM");
      await expect.poll(() => v4.output()).toContain('"event":"stopping"');
      await expect(send(new Agent(), "GET", "/health")).rejects.toMatchObject({
        code: "ECONNREFUSED",
      });
      expect(await slow).toMatchObject({ status: 200, connection: "close" });
      expect(await v4.exited).toBe(0);
    } finally {
      agent.destroy();
      await v4.stop();
    }
  });
});

interface OrderingClient {
  answered(): number;
  ended: Promise<string>;
}

/** Orders again and again over one connection until the server announces that it closes it; anything else is told. */
function orderUntilClosed(client: ShopClient, token: string): OrderingClient {
  let answered = 0;
  const run = async (): Promise<string> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
    const body = JSON.stringify({ items: [{ productId: 1 + (answered % 40), quantity: 1 }] });
    try {
      for (let i = 0; i < 5000; i++) {
        const answer = await client.send(agent, "POST", "/api/orders", { headers, body });
        if (answer.status !== 201) return `answered ${answer.status}`;
        answered += 1;
        if (answer.connection === "close") return "closed by the server";
      }
      return "never closed";
    } catch (error) {
      return `lost: ${String(error)}`;
    } finally {
      agent.destroy();
    }
  };
  return { answered: () => answered, ended: run() };
}
