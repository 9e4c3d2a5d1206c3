import { request } from "node:http";
import { deadline } from "../../lib/clock.ts";

const PROBE_TIMEOUT_MS = 2_000;

/** Asks a health path once, on a connection of its own. Healthy means status 200; every other outcome is a reason. */
export function probeHealth(
  host: string,
  port: number,
  path: string,
): Promise<{ healthy: true } | { healthy: false; reason: string }> {
  return new Promise((resolve) => {
    const call = request({
      host,
      port,
      path,
      agent: false,
      headers: { "User-Agent": "tminus-health" },
      signal: deadline(PROBE_TIMEOUT_MS),
    });
    call.once("error", (error) => resolve({ healthy: false, reason: `${path}: ${error.message}` }));
    call.once("response", (res) => {
      res.resume();
      res.once("error", (error) => resolve({ healthy: false, reason: `${path}: ${error.message}` }));
      res.once("end", () => {
        if (res.statusCode === 200) resolve({ healthy: true });
        else resolve({ healthy: false, reason: `${path} answered ${res.statusCode}` });
      });
    });
    call.end();
  });
}
