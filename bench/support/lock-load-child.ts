import { existsSync } from "node:fs";
import pg from "pg";

/**
 * Point updates at a fixed rate on several connections until a file appears: a request that finds every
 * connection busy waits, and its time counts from when it was due. Prints [due, milliseconds] of each request;
 * due is in epoch milliseconds.
 */
const [url, rate, connections, rows, stopFile, statement = "update busy set n = n + 1 where id = $1"] =
  process.argv.slice(2);
if (url === undefined || stopFile === undefined)
  throw new TypeError("usage: lock-load-child <url> <rate> <connections> <rows> <stop file> [update]");
const free = await Promise.all(
  Array.from({ length: Number(connections) }, async () => {
    const client = new pg.Client({ connectionString: url, application_name: "shop" });
    await client.connect();
    await client.query("select 1");
    return client;
  }),
);
const clients = [...free];
const waiting: number[] = [];
const times: [number, number][] = [];
let inFlight = 0;

function serve(): void {
  while (waiting.length > 0 && free.length > 0) {
    const due = waiting.shift()!;
    const client = free.pop()!;
    inFlight++;
    void update(client, due);
  }
}

async function update(client: pg.Client, due: number): Promise<void> {
  const id = 1 + (Math.floor(due * 7919) % Number(rows));
  await client.query({ name: "update", text: statement, values: [id] });
  times.push([due, performance.timeOrigin + performance.now() - due]);
  inFlight--;
  free.push(client);
  serve();
}

const stepMs = 1000 / Number(rate);
let due = performance.timeOrigin + performance.now();
const timer = setInterval(() => {
  const now = performance.timeOrigin + performance.now();
  for (; due <= now; due += stepMs) waiting.push(due);
  serve();
  if (!existsSync(stopFile) || inFlight > 0 || waiting.length > 0) return;
  clearInterval(timer);
  void Promise.all(clients.map((client) => client.end())).then(() =>
    process.stdout.write(
      `${JSON.stringify(times.map(([at, ms]) => [Math.round(at), Math.round(ms * 10) / 10]))}\n`,
    ),
  );
}, 1);
