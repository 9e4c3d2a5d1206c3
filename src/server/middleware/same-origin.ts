import type { MiddlewareHandler } from "hono";
import { TminusError } from "../../errors.ts";
import type { ApiEnvironment } from "../api.ts";

/** Methods that change nothing, by RFC 9110 §9.2.1. */
export const READS = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Answers only under the server's own names, so that no name that somebody points at this machine serves the console to
 * their page (DNS rebinding), and changes something for a browser only when its own pages ask. Both headers are set by
 * the browser and not by pages: https://www.w3.org/TR/fetch-metadata/, https://fetch.spec.whatwg.org/#origin-header.
 * Errors: ORIGIN_REFUSED.
 */
export function sameOrigin(hosts: readonly string[]): MiddlewareHandler<ApiEnvironment> {
  return async (c, next) => {
    const host = c.req.header("host")?.toLowerCase() ?? "";
    if (!hosts.includes(host)) throw refused(`this server is not known as ${host.slice(0, 100)}`);
    if (READS.has(c.req.method) || c.req.header("authorization") !== undefined) return next();
    const site = c.req.header("sec-fetch-site");
    if (site !== undefined && site !== "same-origin") throw refused(`it is ${site.slice(0, 20)}`);
    const origin = c.req.header("origin");
    if (origin === undefined && site === undefined)
      throw refused("it says neither Origin nor Sec-Fetch-Site; programs send a token");
    if (origin !== undefined && hostOf(origin) !== host)
      throw refused(`its origin is ${origin.slice(0, 100)}`);
    await next();
  };
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}

function refused(why: string): TminusError {
  return new TminusError("ORIGIN_REFUSED", `the request is refused: ${why}`);
}
