import { describe, expect, it } from "vitest";
import type { LoadRequest } from "../../src/testing/load-client.ts";
import { shopScenario } from "../../src/testing/shop-scenario.ts";

const answers: Record<string, (n: number) => [number, unknown]> = {
  "sign up": (n) => [201, { token: `token-${n}` }],
  "place order": (n) => [201, { order: { id: `order-${n}` } }],
};

describe("shopScenario", () => {
  it("is 60 % reading, 10 % sign-ups and logins, 30 % orders", () => {
    const requests = play(shopScenario(), 10_000);
    const share = (...names: string[]): number =>
      requests.filter((request) => names.includes(request.name)).length / 100;
    expect(Math.abs(share("front page", "list products", "show product") - 60)).toBeLessThan(2);
    expect(Math.abs(share("sign up", "log in") - 10)).toBeLessThan(2);
    expect(Math.abs(share("place order", "show order") - 30)).toBeLessThan(2);
  });

  it("sends only tokens that a sign-up answered, and looks only at orders that were placed", () => {
    for (const { name, path, headers } of play(shopScenario({ seed: 3 }), 2000)) {
      const authorised = name === "place order" || name === "show order";
      expect(headers?.authorization?.startsWith("Bearer token-") ?? false).toBe(authorised);
      if (name === "show order") expect(path).toMatch(/^\/api\/orders\/order-\d+$/);
    }
  });

  it("signs up instead of ordering while nobody could", () => {
    const scenario = shopScenario();
    const names = new Set(Array.from({ length: 500 }, () => scenario.next().name));
    expect(names).toEqual(new Set(["front page", "list products", "show product", "sign up"]));
  });

  it("makes the same choices for the same seed, and other emails", () => {
    const [first, second, other] = [7, 7, 8].map((seed) => play(shopScenario({ seed }), 300));
    const names = (requests: LoadRequest[]): string[] => requests.map((request) => request.name);
    expect(names(first!)).toEqual(names(second!));
    expect(names(first!)).not.toEqual(names(other!));
    const emails = [...first!, ...second!]
      .filter((request) => request.name === "sign up")
      .map(({ body }) => body);
    expect(new Set(emails).size).toBe(emails.length);
  });

  it("takes an answer that is not what it expects", () => {
    const scenario = shopScenario();
    for (let i = 0; i < 300; i++) {
      const { onResponse } = scenario.next();
      onResponse?.(201, ["not json", "null", "{}", '{"token":5}'][i % 4]!);
      expect(scenario.next().headers?.authorization).toBeUndefined();
    }
  });
});

function play(scenario: { next(): LoadRequest }, count: number): LoadRequest[] {
  return Array.from({ length: count }, (_, n) => {
    const request = scenario.next();
    const [status, body] = answers[request.name]?.(n) ?? [200, {}];
    request.onResponse?.(status, JSON.stringify(body));
    return request;
  });
}
