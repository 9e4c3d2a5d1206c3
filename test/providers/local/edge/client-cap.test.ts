import { describe, expect, it } from "vitest";
import { ClientCap } from "../../../../src/providers/local/edge/client-cap.ts";
import { ClientShares } from "../../../../src/providers/local/edge/client-shares.ts";

/** Many are served well, of whom nobody stands out but "office", with every tenth answer. */
function served(): ClientShares {
  const clients = new ClientShares();
  for (let index = 0; index < 5_000; index++)
    clients.noteGood(index % 10 === 0 ? "office" : `client ${index % 999}`);
  return clients;
}

/** How many of so many bad answers count, asked for by these clients in turns. */
function counted(cap: ClientCap, clients: readonly string[], answers: number): number {
  return Array.from({ length: answers }, (_, index) => cap.take(clients[index % clients.length]!)).filter(
    Boolean,
  ).length;
}

const named = (count: number): string[] => Array.from({ length: count }, (_, index) => `failing ${index}`);

describe("what one client contributes to the errors", () => {
  it("is two bad answers in half an hour while fewer than six fail", () => {
    for (const clients of [1, 3, 5])
      expect(counted(new ClientCap(served()), named(clients), 500)).toBe(2 * clients);
    const cap = new ClientCap(served());
    expect(counted(cap, ["one"], 100)).toBe(2);
    for (let span = 0; span < 180; span++) cap.closeSpan();
    expect(counted(cap, ["one"], 100)).toBe(2);
  });

  it("is everything where many fail, of whom nobody makes up more than a fifth", () => {
    expect(counted(new ClientCap(served()), named(10), 500)).toBe(500);
    const cap = new ClientCap(served());
    expect(counted(cap, named(100), 400)).toBe(400);
    expect(counted(cap, ["one"], 1000)).toBe(100);
  });

  it("is everything of who is served so much that many may be behind the address, and of anybody while little is known", () => {
    expect(counted(new ClientCap(served()), ["office"], 500)).toBe(500);
    expect(counted(new ClientCap(new ClientShares()), ["one"], 500)).toBe(500);
  });

  it("forgets who was served much long ago", () => {
    const clients = served();
    for (let index = 0; index < 100_000; index++) clients.noteGood(`client ${index % 999}`);
    expect(clients.isMany("office")).toBe(false);
  });
});
