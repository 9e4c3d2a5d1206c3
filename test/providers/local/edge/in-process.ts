import { createServer, type RequestListener, type Server } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { join } from "node:path";
import type { EdgeDocument } from "../../../../src/providers/local/edge/document.ts";
import { Edge } from "../../../../src/providers/local/edge/edge.ts";
import { createPublicServer, listenPublic } from "../../../../src/providers/local/edge/public-server.ts";
import { documentOf, type Rig, routeTo } from "../rig.ts";

/** An application inside the test process. */
export async function openApp(
  rig: Rig,
  listener: RequestListener,
): Promise<{ server: Server; port: number }> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  rig.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  return { server, port: (server.address() as AddressInfo).port };
}

/** An edge inside the test process, without health loop: what it knows of its instances comes from requests only. */
export async function openEdge(
  rig: Rig,
  document: EdgeDocument,
  options: { trustForwarded?: boolean } = {},
): Promise<{ edge: Edge; port: number }> {
  const folder = await rig.folder();
  const edge = new Edge({
    documentFile: join(folder, "document.json"),
    trustForwarded: options.trustForwarded ?? false,
  });
  edge.apply(document);
  const server = createPublicServer(edge);
  await listenPublic(server, { host: "127.0.0.1", port: 0 });
  rig.defer(() => {
    server.closeAllConnections();
    server.close();
    for (const instance of edge.routing.instances) instance.agent.destroy();
  });
  return { edge, port: (server.address() as AddressInfo).port };
}

/** An edge that gives everything to one application. */
export async function openProxied(
  rig: Rig,
  listener: RequestListener,
  options: { trustForwarded?: boolean } = {},
): Promise<{ edge: Edge; port: number; app: Server; appPort: number }> {
  const { server, port: appPort } = await openApp(rig, listener);
  const { edge, port } = await openEdge(rig, documentOf(1, [routeTo("v1", appPort, 100)]), options);
  return { edge, port, app: server, appPort };
}

/** A bare connection: what is sent is up to the test, what comes back is one growing text. */
export function openRaw(
  rig: Rig,
  port: number,
): { send: (text: string) => void; seen: () => string; closed: () => boolean; destroy: () => void } {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  let text = "";
  let closed = false;
  socket.setEncoding("latin1");
  socket.on("data", (chunk: string) => (text += chunk));
  socket.on("error", () => (closed = true));
  socket.on("end", () => (closed = true));
  socket.on("close", () => (closed = true));
  rig.defer(() => socket.destroy());
  return {
    send: (more) => void socket.write(more, "latin1"),
    seen: () => text,
    closed: () => closed,
    destroy: () => socket.destroy(),
  };
}
