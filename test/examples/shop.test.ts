import { Agent } from "node:http";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freshDatabase, type FreshDatabase } from "../support/database.ts";
import { newEmail, shopClient, sql } from "./shop-client.ts";
import { migrate, startShop, type ShopServer } from "./shop-server.ts";

const nobodysToken = "A".repeat(43);
const json = { "content-type": "application/json" };
let database: FreshDatabase;
let shop: ShopServer;
const { get, post, order, signUp, send } = shopClient(() => shop);

beforeAll(async () => {
  database = await freshDatabase();
  await migrate("v2", database.url);
  shop = await startShop("v2", database.url);
});

afterAll(async () => {
  await shop?.stop();
  await database?.drop();
});

describe("GET /health", () => {
  it("says which release answers", async () => {
    expect(await get("/health")).toMatchObject({ status: 200, body: { status: "ok", release: "v2" } });
  });

  it("answers 503 while the database is away, other routes too, and recovers when it is back", async () => {
    const own = await freshDatabase();
    await migrate("v1", own.url);
    const server = await startShop("v1", own.url);
    const client = shopClient(() => server);
    try {
      await blockConnections(own.url, true);
      expect((await client.get("/health")).status).toBe(503);
      const listing = await client.get("/api/products");
      expect(listing).toMatchObject({ status: 503, body: { error: { code: "unavailable" } } });
      await blockConnections(own.url, false);
      expect((await client.get("/health")).status).toBe(200);
    } finally {
      await server.stop();
      await own.drop();
    }
  });
});

describe("GET /", () => {
  it("is a page with security headers", async () => {
    const response = await fetch(`${shop.url}/`);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toContain("text/html");
    expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(await response.text()).toContain("Release <b>v2</b>");
  });
});

describe("POST /api/signup", () => {
  it("makes an account, whose email is taken from then on, in any case", async () => {
    const email = newEmail();
    const created = await post("/api/signup", { email, password: "long enough" });
    expect(created).toMatchObject({ status: 201, body: { user: { email }, token: expect.any(String) } });
    const again = await post("/api/signup", { email: email.toUpperCase(), password: "long enough" });
    expect(again).toMatchObject({ status: 409, body: { error: { code: "email_taken" } } });
  });

  it("stores neither the password nor the token", async () => {
    const email = newEmail();
    const { body } = await post("/api/signup", { email, password: "do not store me" });
    const rows = await sql(
      database.url,
      "SELECT users.*, encode(token_hash, 'escape') AS hash FROM users JOIN sessions ON user_id = users.id WHERE email = $1",
      [email],
    );
    expect(rows).toHaveLength(1);
    expect(JSON.stringify(rows)).not.toContain("do not store me");
    expect(JSON.stringify(rows)).not.toContain(body.token);
  });

  it.each([
    ["no email", { password: "long enough" }],
    ["an email without @", { email: "nobody", password: "long enough" }],
    ["a short password", { email: "a@example.com", password: "short" }],
    ["a password that is no text", { email: "a@example.com", password: 12345678 }],
  ])("refuses %s with 400", async (_, body) => {
    expect(await post("/api/signup", body)).toMatchObject({
      status: 400,
      body: { error: { code: "invalid" } },
    });
  });
});

describe("POST /api/login", () => {
  it("gives a token that orders accept", async () => {
    const email = newEmail();
    await post("/api/signup", { email, password: "long enough" });
    const { status, body } = await post("/api/login", { email, password: "long enough" });
    expect(status).toBe(200);
    expect((await order(body.token)).status).toBe(201);
  });

  it("answers a wrong password and an unknown email alike, with 401", async () => {
    const email = newEmail();
    await post("/api/signup", { email, password: "long enough" });
    const wrong = await post("/api/login", { email, password: "another one" });
    const unknown = await post("/api/login", { email: newEmail(), password: "another one" });
    expect(wrong.status).toBe(401);
    expect([unknown.status, unknown.body]).toEqual([wrong.status, wrong.body]);
  });
});

describe("GET /api/products", () => {
  it("lists page by page", async () => {
    const first = await get("/api/products?limit=30");
    expect(first.status).toBe(200);
    expect(first.body.products).toHaveLength(30);
    const second = await get(`/api/products?limit=30&after=${first.body.next}`);
    expect(second.body.products).toHaveLength(26);
    expect(second.body.next).toBeNull();
    const ids = [...first.body.products, ...second.body.products].map((product) => product.id);
    expect(ids).toEqual(Array.from({ length: 56 }, (_, i) => i + 1));
  });

  it.each(["limit=0", "limit=101", "limit=x", "after=-1", "after=99999999999"])(
    "refuses ?%s",
    async (query) => {
      expect((await get(`/api/products?${query}`)).status).toBe(400);
    },
  );

  it("shows one product, and 404 for numbers and texts that are none", async () => {
    const { status, body } = await get("/api/products/7");
    expect(status).toBe(200);
    expect(body.product).toMatchObject({ id: 7, name: expect.any(String), badge: "classic" });
    for (const id of ["999999", "0", "99999999999", "abc", "7'--"]) {
      expect((await get(`/api/products/${encodeURIComponent(id)}`)).status).toBe(404);
    }
  });
});

describe("POST /api/orders", () => {
  it("takes the stock and adds up the price", async () => {
    const token = await signUp();
    const before = (await get("/api/products/3")).body.product;
    const placed = await order(token, [{ productId: 3, quantity: 4 }]);
    expect(placed).toMatchObject({ status: 201, body: { order: { totalCents: 4 * before.priceCents } } });
    expect(placed.headers.get("location")).toBe(`/api/orders/${placed.body.order.id}`);
    expect((await get("/api/products/3")).body.product.stock).toBe(before.stock - 4);
  });

  it("changes nothing when one line is out of stock", async () => {
    const token = await signUp();
    await sql(database.url, "UPDATE products SET stock = 2 WHERE id = 50");
    const before = (await get("/api/products/49")).body.product.stock;
    const refused = await order(token, [
      { productId: 49, quantity: 1 },
      { productId: 50, quantity: 3 },
    ]);
    expect(refused).toMatchObject({ status: 409, body: { error: { code: "out_of_stock" } } });
    expect((await get("/api/products/49")).body.product.stock).toBe(before);
  });

  it("sells no more than there is to many at once, in whatever order they name the products", async () => {
    const token = await signUp();
    await sql(database.url, "UPDATE products SET stock = 10 WHERE id IN (51, 52)");
    const lines = [
      { productId: 51, quantity: 1 },
      { productId: 52, quantity: 1 },
    ];
    const answers = await Promise.all(
      Array.from({ length: 25 }, (_, i) => order(token, i % 2 === 0 ? lines : lines.toReversed())),
    );
    const count = (status: number): number => answers.filter((answer) => answer.status === status).length;
    expect([count(201), count(409)]).toEqual([10, 15]);
    expect(await sql(database.url, "SELECT stock FROM products WHERE id IN (51, 52)")).toEqual([
      { stock: 0 },
      { stock: 0 },
    ]);
  });

  it.each([
    ["no items", {}],
    ["an empty list", { items: [] }],
    ["a line that is null", { items: [null] }],
    ["quantity 0", { items: [{ productId: 1, quantity: 0 }] }],
    ["half a piece", { items: [{ productId: 1, quantity: 0.5 }] }],
    ["a product number as text", { items: [{ productId: "1", quantity: 1 }] }],
    ["an unknown product", { items: [{ productId: 12345, quantity: 1 }] }],
    ["one product twice", { items: Array.from({ length: 2 }, () => ({ productId: 1, quantity: 1 })) }],
  ])("refuses %s with 400", async (_, body) => {
    expect((await post("/api/orders", body, { authorization: `Bearer ${await signUp()}` })).status).toBe(400);
  });

  it.each([
    ["no token", {}],
    ["a token that nobody has", { authorization: `Bearer ${nobodysToken}` }],
    ["another scheme", { authorization: `Basic ${nobodysToken}` }],
  ])("answers %s with 401", async (_, headers) => {
    const answer = await post("/api/orders", { items: [{ productId: 1, quantity: 1 }] }, headers);
    expect(answer.status).toBe(401);
    expect(answer.headers.get("www-authenticate")).toContain("Bearer");
  });

  it("answers an expired token with 401", async () => {
    const email = newEmail();
    const { body } = await post("/api/signup", { email, password: "long enough" });
    await sql(
      database.url,
      "UPDATE sessions SET expires_at = now() - interval '1 second' FROM users WHERE user_id = users.id AND email = $1",
      [email],
    );
    expect((await order(body.token)).status).toBe(401);
  });
});

describe("GET /api/orders/:id", () => {
  it("shows an order to who placed it and 404 to anybody else", async () => {
    const token = await signUp();
    const placed = (await order(token)).body.order;
    const path = `/api/orders/${placed.id}`;
    const own = await get(path, { authorization: `Bearer ${token}` });
    expect(own).toMatchObject({ status: 200, body: { order: placed } });
    const others = await get(path, { authorization: `Bearer ${await signUp()}` });
    const missing = await get(`/api/orders/${crypto.randomUUID()}`, { authorization: `Bearer ${token}` });
    expect([others.status, others.body]).toEqual([404, missing.body]);
    expect((await get("/api/orders/nonsense", { authorization: `Bearer ${token}` })).status).toBe(404);
    expect((await get(path)).status).toBe(401);
  });
});

describe("the HTTP plumbing", () => {
  it("refuses a body that is too large with 413 and one that is not JSON with 415 or 400", async () => {
    const status = async (body: string, headers: Record<string, string>): Promise<number> =>
      (await fetch(`${shop.url}/api/signup`, { method: "POST", body, headers })).status;
    expect(await status(JSON.stringify({ email: "x".repeat(70_000) }), json)).toBe(413);
    expect(await status("email=a@example.com", { "content-type": "application/x-www-form-urlencoded" })).toBe(
      415,
    );
    expect(await status("{", json)).toBe(400);
    expect(await status("[]", json)).toBe(400);
    expect(await status("null", { "content-type": "application/json; charset=utf-8" })).toBe(400);
  });

  it("tells an unknown path from a method that does not fit", async () => {
    expect((await get("/nothing")).status).toBe(404);
    expect((await get("/api/products/")).status).toBe(404);
    const wrong = await post("/api/products", {});
    expect(wrong.status).toBe(405);
    expect(wrong.headers.get("allow")).toBe("GET");
  });

  it("answers HEAD without a body and stays in step on the connection", async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    try {
      const head = await send(agent, "HEAD", "/api/products");
      expect(head).toMatchObject({ status: 200, body: "" });
      expect((await send(agent, "GET", "/health")).body).toContain('"ok"');
    } finally {
      agent.destroy();
    }
  });

  it("goes on after a client that leaves in the middle of its body", async () => {
    await new Promise<void>((resolve) => {
      const socket = connect(Number(new URL(shop.url).port), "127.0.0.1");
      socket.write(
        "POST /api/signup HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{",
      );
      socket.once("connect", () => setImmediate(() => socket.destroy()));
      socket.once("close", () => resolve());
    });
    expect((await get("/health")).status).toBe(200);
    expect(shop.output()).not.toContain("request.failed");
  });
});

/** Ends the shop's sessions and refuses new ones, or allows them again. */
async function blockConnections(url: string, blocked: boolean): Promise<void> {
  const admin = process.env.TMINUS_TEST_POSTGRES;
  const name = new URL(url).pathname.slice(1);
  await sql(admin, `ALTER DATABASE "${name}" WITH ALLOW_CONNECTIONS ${!blocked}`);
  if (blocked)
    await sql(admin, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", [name]);
}
