import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import * as z from "zod";
import { TminusError, toErrorRecord } from "../../errors.ts";
import { toldError } from "../told-error.ts";
import { beginSession } from "../begin-session.ts";
import type { Api } from "../api.ts";
import type { ServerPorts } from "../server-ports.ts";

const ATTEMPT_COOKIE = "__Host-tminus-login";
const ATTEMPT_SECONDS = 600;
/** Lax: the provider's page sends the browser back. */
const COOKIE = { path: "/", secure: true, httpOnly: true, sameSite: "Lax" } as const;
const CALLBACK = "/api/login/oidc/callback";

const attemptSchema = z.strictObject({ state: z.string(), nonce: z.string(), verifier: z.string() });

/** Pages for browsers, and not part of the API's document: to the provider and back. */
export function addOidc(api: Api, ports: ServerPorts): void {
  const { tminus, oidc, url, log } = ports;
  if (oidc === undefined) return;

  api.get("/login/oidc", async (c) => {
    const { url: there, attempt } = await oidc.begin(new URL(CALLBACK, url()));
    setCookie(c, ATTEMPT_COOKIE, encodeURIComponent(JSON.stringify(attempt)), {
      ...COOKIE,
      maxAge: ATTEMPT_SECONDS,
    });
    return c.redirect(there.href);
  });

  api.get("/login/oidc/callback", async (c) => {
    const cookie = getCookie(c, ATTEMPT_COOKIE);
    deleteCookie(c, ATTEMPT_COOKIE, COOKIE);
    const came = new URL(CALLBACK, url());
    came.search = new URL(c.req.url).search;
    try {
      const attempt = attemptOf(cookie);
      const email = await oidc.finish(came, attempt);
      await beginSession(c, tminus, await tminus.identify({ by: "oidc", issuer: oidc.issuer, email }));
      return c.redirect("/");
    } catch (error) {
      log(`nobody was signed in by ${oidc.issuer}: ${toErrorRecord(error).message}`);
      return c.redirect(`/?refused=${toldError(error).code}`); // it is a person who comes back
    }
  });
}

function attemptOf(cookie: string | undefined) {
  try {
    return attemptSchema.parse(JSON.parse(decodeURIComponent(cookie ?? "")));
  } catch (error) {
    throw new TminusError(
      "IDENTITY_REFUSED",
      "this browser did not begin to sign in here, or did so too long ago",
      {
        hint: "Begin again.",
        cause: error,
      },
    );
  }
}
