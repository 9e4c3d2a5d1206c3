import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { join } from "node:path";

export type DatabaseFault = "refused" | "hang" | "garbage" | "flood" | { sqlState: string; message: string };

export interface FaultyDatabase extends AsyncDisposable {
  /** Of the same database, through this. */
  url: string;
  /** From now on, also for those that are connected: they are cut off. */
  behave(fault: DatabaseFault | "well"): Promise<void>;
}

/**
 * Stands between a client and a server that listens on a socket file. Errors of the server are messages of the
 * protocol, https://www.postgresql.org/docs/current/protocol-message-formats.html.
 */
export async function openFaultyDatabase(socketUrl: string): Promise<FaultyDatabase> {
  const upstream = new URL(socketUrl);
  const path = join(upstream.searchParams.get("host")!, `.s.PGSQL.${upstream.port || "5432"}`);
  const sockets = new Set<Socket>();
  let fault: DatabaseFault | "well" = "well";
  const track = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
  };
  const server = createServer((client) => {
    track(client);
    if (fault !== "well") return misbehave(client, fault);
    const backend = connect(path);
    track(backend);
    client.pipe(backend);
    backend.pipe(client);
    client.on("close", () => backend.destroy());
    backend.on("close", () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const cutOff = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      cutOff();
    });
  return {
    url: `postgresql://${upstream.username || "postgres"}:${PASSWORD}@127.0.0.1:${port}${upstream.pathname}?sslmode=disable`,
    async behave(next) {
      fault = next;
      if (next === "refused") return close();
      cutOff();
    },
    [Symbol.asyncDispose]: close,
  };
}

/** Of every url; the server does not ask for it. */
export const PASSWORD = "do-not-print-me";

function misbehave(client: Socket, fault: DatabaseFault): void {
  if (typeof fault === "object")
    return void client.once("data", () => client.end(errorResponse(fault.sqlState, fault.message)));
  if (fault === "garbage") return void client.end("HTTP/1.1 400 Bad Request\r\n\r\n");
  if (fault === "flood") return flood(client);
}

function errorResponse(sqlState: string, message: string): Buffer {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C${sqlState}\0M${message}\0\0`);
  const head = Buffer.alloc(5);
  head.write("E");
  head.writeInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, fields]);
}

/** Notices without an end, until the other side hangs up. */
function flood(client: Socket): void {
  const notice = Buffer.from(errorResponse("00000", "x".repeat(64 * 1024)));
  notice.write("N");
  const write = (): void => {
    if (!client.destroyed) client.write(notice, () => setImmediate(write));
  };
  write();
}
