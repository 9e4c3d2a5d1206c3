import { describe, expect, it } from "vitest";
import { smokeSchema } from "../../../src/steps/smoke/schema.ts";
import { selectChecks } from "../../../src/steps/smoke/select.ts";

const login = { id: "login", path: "/login", tags: ["auth"], capture: { token: "$.token" } };
const orders = {
  id: "orders",
  title: "Orders P1",
  path: "/orders",
  headers: { authorization: "Bearer ${capture.token}" },
};
const health = { id: "health", path: "/health", tags: ["P0"] };

function mistakes(value: unknown): string[] {
  return (smokeSchema.safeParse(value).error?.issues ?? []).map(
    (issue) => `${issue.path.join(".")} ${issue.message}`,
  );
}

describe("smokeSchema", () => {
  it("fills in the defaults", () => {
    expect(smokeSchema.parse({ checks: [health] })).toMatchObject({
      through: "public",
      deadline: "60s",
      checks: [{ method: "GET", timeout: "10s", redirect: "manual", expect: { status: 200, json: [] } }],
    });
  });

  it.each([
    ["an id twice", { checks: [health, health] }, 'checks.1.id "health" is the id of an earlier check'],
    [
      "a need that comes later",
      { checks: [{ ...health, needs: ["login"] }, login] },
      'checks.0.needs.0 there is no earlier check "login"',
    ],
    ["a capture that nobody takes", { checks: [orders] }, 'checks.0.path no earlier check captures "token"'],
    [
      "one name captured twice",
      { checks: [login, { ...login, id: "b" }] },
      "checks.1.capture.token is captured by an earlier check",
    ],
    [
      "an unknown placeholder",
      { checks: [{ ...health, path: "/${caputre.x}" }] },
      "checks.0.path ${caputre.x} is not known; use ${capture.<name>}, ${variable.<NAME>} or ${random}",
    ],
    [
      "a base URL for the staged release",
      { through: "staged", baseUrl: "http://a", checks: [health] },
      "baseUrl cannot be given with through: staged, which has its own address",
    ],
    ["a grep that chooses nothing", { grep: "P9", checks: [health] }, "grep chooses no check at all"],
    ["tags that choose nothing", { tags: ["P9"], checks: [health] }, "tags chooses no check at all"],
    [
      "an expectation of nothing",
      { checks: [{ ...health, expect: { json: [{ path: "$.a" }] } }] },
      "checks.0.expect.json.0 needs equals, matches or exists",
    ],
    [
      "a header name with a line break",
      { checks: [{ ...health, headers: { "a\nb": "c" } }] },
      "checks.0.headers.a\nb Invalid key in record",
    ],
  ])("refuses %s", (_, value, message) => {
    expect(mistakes(value)).toEqual([message]);
  });

  it("refuses a JSONPath that runs a regular expression", () => {
    const slow = { ...health, expect: { json: [{ path: "$[?match(@, '(a+)+')]", exists: true }] } };
    expect(mistakes({ checks: [slow] })[0]).toContain("match() is not supported");
    expect(mistakes({ checks: [{ ...health, capture: { a: "$[?search(@, 'a')]" } }] })[0]).toContain(
      "search() is not supported",
    );
  });
});

describe("selectChecks", () => {
  const choose = (fields: object): string[] =>
    selectChecks(
      smokeSchema.parse({
        checks: [health, login, orders, { ...health, id: "late", tags: [], needs: ["orders"] }],
        ...fields,
      }),
    ).map(({ id }) => id);

  it("takes all in their order when nothing is asked for", () => {
    expect(choose({})).toEqual(["health", "login", "orders", "late"]);
  });

  it("takes a tag, or text in id or title, as grep", () => {
    expect(choose({ grep: "P0" })).toEqual(["health"]);
    expect(choose({ grep: "heal" })).toEqual(["health"]);
  });

  it("takes along what the chosen ones need, by name and by capture", () => {
    expect(choose({ grep: "P1" })).toEqual(["login", "orders"]);
    expect(choose({ grep: "late" })).toEqual(["login", "orders", "late"]);
  });

  it("takes checks with any of the tags that also fit grep", () => {
    expect(choose({ tags: ["P0", "auth"] })).toEqual(["health", "login"]);
    expect(choose({ tags: ["P0", "auth"], grep: "log" })).toEqual(["login"]);
  });
});
