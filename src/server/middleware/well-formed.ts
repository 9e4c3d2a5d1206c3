import type { MiddlewareHandler } from "hono";
import { TminusError } from "../../errors.ts";
import { jsonProblem, type JsonLimits } from "../../lib/json-guard.ts";
import { textOf } from "../../lib/media-type.ts";

const MAX_ADDRESS = 8192;
const MAX_PARAMETERS = 100;
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f]/;

/** Nothing behind it sees an address that is no UTF-8, holds control characters, or is very long. Errors: USAGE_INVALID. */
export function wellFormedAddress(): MiddlewareHandler {
  return async (c, next) => {
    const { pathname, search, searchParams } = new URL(c.req.url);
    if (pathname.length + search.length > MAX_ADDRESS)
      throw refused(`is longer than ${MAX_ADDRESS} characters`);
    if (searchParams.size > MAX_PARAMETERS) throw refused(`has more than ${MAX_PARAMETERS} parameters`);
    const text = decoded(`${pathname}${search}`);
    if (text === undefined) throw refused("is not percent-encoded UTF-8");
    if (CONTROL.test(text)) throw refused("holds control characters");
    await next();
  };
}

/** Nothing behind it parses or walks through JSON that takes much more memory than its text. Errors: USAGE_INVALID. */
export function wellFormedJson(limits: JsonLimits): MiddlewareHandler {
  return async (c, next) => {
    if (!/^application\/([\w.-]+\+)?json\s*(;|$)/i.test(c.req.header("content-type") ?? "")) return next();
    const bytes = new Uint8Array(await c.req.arrayBuffer());
    const text = textOf(bytes);
    const problem = text === undefined ? "it is not UTF-8, or holds U+0000" : jsonProblem(text, limits);
    if (problem !== undefined)
      throw new TminusError("USAGE_INVALID", `the request's JSON is not read: ${problem}`);
    return next();
  };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined; // a half escape, or bytes that are no UTF-8
  }
}

function refused(what: string): TminusError {
  return new TminusError("USAGE_INVALID", `the request's address ${what}`);
}
