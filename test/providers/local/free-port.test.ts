import { createServer } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { freePort, isPortFree } from "../../../src/providers/local/free-port.ts";
import { Rig } from "./rig.ts";

const rig = new Rig();
afterEach(() => rig.cleanUp());

describe("freePort", () => {
  it("gives a port where a server can listen, and another one once that is taken", async () => {
    const seed = await rig.folder();
    const port = await freePort("127.0.0.1", seed);
    expect(port).toBeGreaterThanOrEqual(20_000);
    expect(port).toBeLessThan(32_000);
    const server = createServer();
    await new Promise<void>((resolve) => void server.listen(port, "127.0.0.1", resolve));
    rig.defer(() => server.close());
    expect(await isPortFree("127.0.0.1", port)).toBe(false);
    expect(await freePort("127.0.0.1", seed)).not.toBe(port);
  });

  it("rejects for an address of another machine", async () => {
    await expect(isPortFree("192.0.2.1", 20_000)).rejects.toThrow("EADDRNOTAVAIL");
  });
});
