import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { join } from "node:path";

export interface CuttingProxy extends AsyncDisposable {
  url: string;
  /** How many connections were cut. */
  cuts(): number;
}

/** A statement of its own, alone in its message or among others. */
const COMMIT = /(^|;\n|\0)commit(;\n|\0)/;

/**
 * Stands between a client and the server at a socket URL and cuts the first connection on which the client
 * says "commit": after the server has answered it ("after"), or before the server hears of it ("before").
 */
export async function openCuttingProxy(url: string, when: "before" | "after"): Promise<CuttingProxy> {
  const upstream = new URL(url);
  const path = join(upstream.searchParams.get("host")!, `.s.PGSQL.${upstream.port}`);
  const sockets = new Set<Socket>();
  let cuts = 0;
  const server = createServer((client) => {
    const backend = connect(path);
    let isCutting = false;
    for (const socket of [client, backend]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        sockets.delete(socket);
        client.destroy();
        backend.destroy();
      });
    }
    client.on("data", (chunk) => {
      if (cuts === 0 && COMMIT.test(chunk.toString("latin1"))) {
        cuts++;
        isCutting = true;
        if (when === "before") client.destroy();
      }
      if (!client.destroyed) backend.write(chunk);
    });
    backend.on("data", (chunk) => (isCutting ? client.destroy() : client.write(chunk)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const proxied = new URL(url);
  proxied.searchParams.delete("host");
  proxied.hostname = "127.0.0.1";
  proxied.port = String((server.address() as AddressInfo).port);
  return {
    url: proxied.href,
    cuts: () => cuts,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
