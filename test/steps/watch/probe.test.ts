import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it } from "vitest";
import { askPublicUrl } from "../../../src/steps/watch/probe.ts";

it("does not take silence for a failure of the service when nothing else can be reached either", async () => {
  const server = createServer(() => undefined);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const { signal } = new AbortController();
    const [cutOff, reached] = await Promise.all(
      [true, false].map((isCutOff) => askPublicUrl(url, signal, isCutOff)),
    );
    expect(cutOff).toMatchObject({
      outcome: "unknown",
      reason: expect.stringContaining("nothing else can be reached from here either") as unknown,
    });
    expect(reached).toMatchObject({ outcome: "failed" });
  } finally {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  }
  expect(await askPublicUrl(url, new AbortController().signal, true)).toMatchObject({ outcome: "failed" });
});
