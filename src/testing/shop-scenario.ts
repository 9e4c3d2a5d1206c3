import { randomText } from "../lib/id.ts";
import type { LoadRequest } from "./load-client.ts";
import type { LoadScenario } from "./load-generator.ts";

interface User {
  email: string;
  token: string;
}

interface PlacedOrder {
  id: string;
  token: string;
}

const PRODUCTS = 56;
const MAX_REMEMBERED = 500;
const PASSWORD = "correct horse battery";

/**
 * Visitors of examples/shop: 60 % read the catalogue, 10 % sign up or log in, 30 % order (25 % place one, 5 %
 * look at one). Until somebody has signed up, whoever wants to order signs up. `buyers` percent of the requests are
 * orders instead, whatever the others do. The same `seed` gives the same choices for the same answers; emails are new
 * every time.
 */
export function shopScenario({
  seed = 1,
  buyers = 0,
}: { seed?: number; buyers?: number } = {}): LoadScenario {
  const random = seeded(seed);
  const users: User[] = [];
  const orders: PlacedOrder[] = [];
  const prefix = randomText(10);
  let signUps = 0;

  const signUp = (): LoadRequest => {
    const email = `${prefix}-${signUps++}@example.com`;
    return post("sign up", "/api/signup", { email, password: PASSWORD }, undefined, (status, body) => {
      const token = status === 201 ? textAt(body, "token") : undefined;
      if (token !== undefined) remember(users, { email, token }, signUps);
    });
  };
  const logIn = ({ email }: User): LoadRequest =>
    post("log in", "/api/login", { email, password: PASSWORD }, undefined);
  const placeOrder = ({ token }: User): LoadRequest => {
    const first = 1 + Math.floor(random() * PRODUCTS);
    const ids = Array.from(
      { length: 1 + Math.floor(random() * 3) },
      (_, i) => 1 + ((first + i * 11) % PRODUCTS),
    );
    const items = ids.map((productId) => ({ productId, quantity: 1 + Math.floor(random() * 3) }));
    return post("place order", "/api/orders", { items }, token, (status, body) => {
      const id = status === 201 ? textAt(body, "order", "id") : undefined;
      if (id !== undefined)
        remember(orders, { id, token }, orders.length + Math.floor(random() * MAX_REMEMBERED));
    });
  };

  return {
    next() {
      const buyer = buyers > 0 && random() * 100 < buyers ? pick(users, random) : undefined;
      if (buyer !== undefined) return placeOrder(buyer);
      const choice = random() * 100;
      if (choice < 3) return get("front page", "/");
      if (choice < 20) return get("list products", "/api/products");
      if (choice < 60) return get("show product", `/api/products/${1 + Math.floor(random() * PRODUCTS)}`);
      const user = pick(users, random);
      if (choice < 64 || user === undefined) return signUp();
      if (choice < 70) return logIn(user);
      const order = pick(orders, random);
      if (choice < 95 || order === undefined) return placeOrder(user);
      return get("show order", `/api/orders/${order.id}`, order.token);
    },
  };
}

function get(name: string, path: string, token?: string): LoadRequest {
  return { name, method: "GET", path, ...(token === undefined ? {} : { headers: bearer(token) }) };
}

function post(
  name: string,
  path: string,
  body: unknown,
  token: string | undefined,
  onResponse?: (status: number, body: string) => void,
): LoadRequest {
  const headers = { "content-type": "application/json", ...(token === undefined ? {} : bearer(token)) };
  const request = { name, method: "POST", path, headers, body: JSON.stringify(body) };
  return onResponse === undefined ? request : { ...request, onResponse };
}

function bearer(token: string): { authorization: string } {
  return { authorization: `Bearer ${token}` };
}

function remember<T>(list: T[], item: T, slot: number): void {
  if (list.length < MAX_REMEMBERED) list.push(item);
  else list[slot % MAX_REMEMBERED] = item;
}

function pick<T>(list: readonly T[], random: () => number): T | undefined {
  return list[Math.floor(random() * list.length)];
}

/** The text at a path of keys in a JSON body, or undefined when there is none. */
function textAt(body: string, ...keys: string[]): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    // An answer that is not JSON has no such text; the load goes on with what it knows.
    return undefined;
  }
  for (const key of keys) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return typeof value === "string" ? value : undefined;
}

/** Mulberry32: small, fast, and the same on every machine. Numbers from 0 up to 1. */
function seeded(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
