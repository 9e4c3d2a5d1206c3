import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { join } from "node:path";

export interface TcpBridge extends AsyncDisposable {
  /** The same database, over TCP on loopback. */
  url: string;
}

/** For programs that cannot connect to a socket file: carries bytes between a free port of loopback and the server. */
export async function openTcpBridge(socketUrl: string): Promise<TcpBridge> {
  const upstream = new URL(socketUrl);
  const path = join(upstream.searchParams.get("host")!, `.s.PGSQL.${upstream.port || "5432"}`);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const backend = connect(path);
    client.pipe(backend);
    backend.pipe(client);
    for (const socket of [client, backend]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        sockets.delete(socket);
        client.destroy();
        backend.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `postgresql://postgres:unused@127.0.0.1:${port}${upstream.pathname}?sslmode=disable`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
