import * as client from "openid-client";
import { TminusError, toErrorRecord } from "../errors.ts";
import type { Secret } from "../lib/redact.ts";
import { oidcFetch } from "./oidc-fetch.ts";

export interface OidcSettings {
  issuer: URL;
  clientId: string;
  clientSecret: Secret;
}

/** What a browser keeps between leaving for the provider and coming back. */
export interface LoginAttempt {
  state: string;
  nonce: string;
  verifier: string;
}

/** Signing in by an OpenID Connect provider: authorization code with PKCE, https://openid.net/specs/openid-connect-core-1_0.html. */
export interface Oidc {
  readonly issuer: string;
  /** Where to send the browser. Errors: IDENTITY_REFUSED when the provider does not answer. */
  begin(callback: URL): Promise<{ url: URL; attempt: LoginAttempt }>;
  /** The e-mail of whoever came back, which the provider has verified. Errors: IDENTITY_REFUSED. */
  finish(came: URL, attempt: LoginAttempt): Promise<string>;
}

export function openOidc({ issuer, clientId, clientSecret }: OidcSettings): Oidc {
  let known: Promise<client.Configuration> | undefined;
  const configuration = async (): Promise<client.Configuration> => {
    // Only a provider on this machine is asked without encryption.
    const insecure = issuer.protocol === "http:" ? { execute: [client.allowInsecureRequests] } : {};
    const options = { [client.customFetch]: oidcFetch, ...insecure };
    known ??= client.discovery(issuer, clientId, clientSecret.reveal(), undefined, options);
    return known.catch((error: unknown) => {
      known = undefined;
      throw refused(`the identity provider does not answer: ${toErrorRecord(error).message}`, error);
    });
  };
  return {
    issuer: issuer.href,
    async begin(callback) {
      const config = await configuration();
      const verifier = client.randomPKCECodeVerifier();
      const attempt = { state: client.randomState(), nonce: client.randomNonce(), verifier };
      const url = client.buildAuthorizationUrl(config, {
        redirect_uri: callback.href,
        scope: "openid email",
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: "S256",
        state: attempt.state,
        nonce: attempt.nonce,
      });
      return { url, attempt };
    },
    async finish(came, { state, nonce, verifier }) {
      const config = await configuration();
      const expected = {
        expectedState: state,
        expectedNonce: nonce,
        pkceCodeVerifier: verifier,
        idTokenExpected: true,
      };
      try {
        const tokens = await client.authorizationCodeGrant(config, came, expected);
        const { sub } = tokens.claims()!;
        const { email, email_verified: isVerified } = await client.fetchUserInfo(
          config,
          tokens.access_token,
          sub,
        );
        if (email !== undefined && isVerified === true) return email;
      } catch (error) {
        throw refused(`the identity provider's answer is not good: ${toErrorRecord(error).message}`, error);
      }
      throw refused("the identity provider has not verified an e-mail of this person");
    },
  };
}

function refused(message: string, cause?: unknown): TminusError {
  return new TminusError("IDENTITY_REFUSED", message, {
    hint: "Try again; when it stays so, sign in with a password and look at the server's log.",
    ...(cause === undefined ? {} : { cause }),
  });
}
