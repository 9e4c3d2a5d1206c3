import { randomUUID } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import { GuardedServer } from "./support/guarded-server.ts";
import type { RawAnswer } from "./support/raw-request.ts";

const ROOM = { timeout: 120_000 };

let guarded: GuardedServer;
afterEach(() => guarded.close(), 60_000);

function askToEnd(headers: Record<string, string>, method = "POST"): Promise<RawAnswer> {
  const request = { method, path: "/api/kill", headers: { "idempotency-key": randomUUID() } };
  return guarded.send(request, headers);
}

describe("ending the server at once", ROOM, () => {
  it("is for those who may make something happen, and for no other page", async () => {
    guarded = await GuardedServer.start(["--killable"]);
    const foreign = { ...(await guarded.browser()), origin: "http://evil.example" };
    const answers = {
      nobody: await askToEnd({ origin: guarded.url, "sec-fetch-site": "same-origin" }),
      viewer: await askToEnd(guarded.as("viewer")),
      approver: await askToEnd(guarded.as("approver")),
      admin: await askToEnd(guarded.as("admin")),
      "a foreign page": await askToEnd(foreign),
      "a link": await askToEnd(guarded.as("ann"), "GET"),
    };
    const codes = Object.fromEntries(Object.entries(answers).map(([who, { code }]) => [who, code]));
    expect(codes).toEqual({
      nobody: "IDENTITY_REFUSED",
      viewer: "PERMISSION_REFUSED",
      approver: "PERMISSION_REFUSED",
      admin: "PERMISSION_REFUSED",
      "a foreign page": "ORIGIN_REFUSED",
      "a link": "RESOURCE_UNKNOWN",
    });
    await expect(askToEnd(guarded.as("operator"))).rejects.toThrow();
    // A process that a signal has ended has no exit code.
    expect((await guarded.server.command.within(10_000)).exitCode).toBeUndefined();
  });

  it("is not there where nobody asked for it", async () => {
    guarded = await GuardedServer.start();
    expect((await askToEnd(guarded.as("operator"))).code).toBe("RESOURCE_UNKNOWN");
  });
});
