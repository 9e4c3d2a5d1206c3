import { Server } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const idleGraceMs = 300;
const deadlineMs = 4_500;

/**
 * Takes no more connections, lets every request that was begun end, then closes the database.
 * True when all ended by themselves, false when the deadline cut some off.
 */
export async function shutDown(server, database) {
  // The http server's own close() also drops idle connections at once, and with them a request that is on its
  // way. Ours stay for a moment: whoever still sends on one gets its answer with `Connection: close`.
  const closed = new Promise((resolve) => Server.prototype.close.call(server, resolve));
  const idle = sleep(idleGraceMs).then(() => closeIdleRepeatedly(server, closed));
  const deadline = new AbortController();
  const clean = await Promise.race([
    closed.then(() => true),
    sleep(deadlineMs, false, { signal: deadline.signal }).catch(() => true),
  ]);
  deadline.abort();
  if (!clean) server.closeAllConnections();
  await idle;
  await Promise.race([database.close(), sleep(250, undefined, { ref: false })]);
  return clean;
}

async function closeIdleRepeatedly(server, closed) {
  const rounds = Math.ceil((deadlineMs - idleGraceMs) / 50);
  for (let round = 0; round < rounds; round++) {
    server.closeIdleConnections();
    const done = await Promise.race([closed.then(() => true), sleep(50, false)]);
    if (done) return;
  }
}
