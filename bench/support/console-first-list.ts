import { randomBytes } from "node:crypto";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import type { CDPSession, Page } from "playwright-core";
import type { ConsoleProject } from "../../test/web/support/console-project.ts";
import { median } from "./statistics.ts";

const ROUNDS = 5;
const CPU_SLOWER = 4;
/** 1.6 Mbit/s with a round trip of 150 ms: a phone on a slow network. */
const SLOW_NETWORK = {
  offline: false,
  latency: 150,
  downloadThroughput: 1_600_000 / 8,
  uploadThroughput: 750_000 / 8,
};

/**
 * From the navigation to the frame that shows the first row of the list of runs, with an empty cache, and the time that one
 * answer with as many bytes takes on the same network. Medians.
 */
export async function measureFirstList(
  site: ConsoleProject,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<{ ms: number; bareTransferMs: number }> {
  const signedIn = await site.context();
  await site.signIn(await signedIn.newPage(), "ann");
  const cookies = await signedIn.cookies();
  await signedIn.close();
  const shownMs: number[] = [];
  const bareMs: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    signal.throwIfAborted();
    const context = await site.context();
    await context.addCookies(cookies);
    await context.addInitScript({ content: NOTE_FIRST_ROW });
    const page = await context.newPage();
    const transferred = await slowDown(page);
    await page.goto(`${site.url}/runs`);
    await page.locator("[data-row]").first().waitFor();
    const found = page.locator("html[data-first-row-ms]");
    shownMs.push(Number(await found.getAttribute("data-first-row-ms")));
    bareMs.push(await bareTransferMs(await context.newPage(), transferred()));
    await context.close();
  }
  say(
    `first list: ${shownMs.map(Math.round).join(", ")} ms; as many bytes: ${bareMs.map(Math.round).join(", ")} ms`,
  );
  return { ms: median(shownMs), bareTransferMs: median(bareMs) };
}

/** Runs in the page, before its scripts. The frame after the one for which the row was drawn has it on the screen. */
const NOTE_FIRST_ROW = `{
  const look = () => {
    if (document.querySelector("[data-row]") === null) requestAnimationFrame(look);
    else requestAnimationFrame(() => (document.documentElement.dataset.firstRowMs = performance.now()));
  };
  look();
}`;

/** Returns what tells how many bytes have come over the network so far. */
async function slowDown(page: Page): Promise<() => number> {
  const session: CDPSession = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Network.emulateNetworkConditions", SLOW_NETWORK);
  await session.send("Emulation.setCPUThrottlingRate", { rate: CPU_SLOWER });
  let bytes = 0;
  session.on("Network.loadingFinished", ({ encodedDataLength }) => (bytes += encodedDataLength));
  return () => bytes;
}

/** From the navigation to the end of one answer with so many bytes. */
async function bareTransferMs(page: Page, bytes: number): Promise<number> {
  const body = randomBytes(Math.ceil((bytes * 3) / 4)).toString("base64");
  const server = createServer(((_, response) => response.end(body)) satisfies RequestListener);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  try {
    await slowDown(page);
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    return Number(await page.evaluate('performance.getEntriesByType("navigation")[0].responseEnd'));
  } finally {
    server.closeAllConnections();
    await new Promise<void>((done) => server.close(() => done()));
  }
}
