import { connect, type DetailedPeerCertificate } from "node:tls";
import { isIP } from "node:net";
import { deadline } from "./clock.ts";
import { checkedLookup, refusedAddress } from "./refused-address.ts";

/** What a server shows of itself when a TLS connection is opened. */
export interface SeenCertificate {
  kind: "seen";
  /** Why a client would refuse it, by OpenSSL's or Node's code: "CERT_HAS_EXPIRED"; undefined when it would not. */
  refusal: { code: string; reason: string } | undefined;
  /** From the server's own to the root, as far as it is known. */
  chain: { subject: string; validFrom: Date; validTo: Date }[];
  /** Names that it is for. */
  names: string;
}

export type CertificateOutcome =
  | SeenCertificate
  /** It answers, but does not speak TLS with us. */
  | { kind: "no-tls"; reason: string }
  /** Nothing was seen of it. */
  | { kind: "unreachable"; reason: string };

export interface CertificateRequest {
  host: string;
  port: number;
  /** PEM; trusted instead of those that Node trusts. */
  authorities?: readonly string[];
  timeoutMs: number;
  signal?: AbortSignal;
}

const MAX_CHAIN = 10;

/** Opens a TLS connection, looks, and closes it again; sends nothing. Throws only the signal's reason. */
export async function lookAtCertificate(request: CertificateRequest): Promise<CertificateOutcome> {
  const { host, port, authorities, timeoutMs, signal } = request;
  const refused = refusedAddress(host);
  if (refused !== undefined)
    return { kind: "unreachable", reason: `${host} is never asked: it is ${refused}` };
  const limit = deadline(timeoutMs, signal);
  const socket = connect({
    host,
    port,
    lookup: checkedLookup,
    rejectUnauthorized: false, // what is wrong with it is what we are asked
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(authorities === undefined ? {} : { ca: [...authorities] }),
  });
  try {
    return await new Promise<CertificateOutcome>((resolve, reject) => {
      const stop = (): void => reject(limit.reason as Error);
      if (limit.aborted) return stop();
      limit.addEventListener("abort", stop, { once: true });
      socket.once("secureConnect", () =>
        resolve(seen(socket.authorizationError, socket.getPeerCertificate(true))),
      );
      socket.once("error", (error) => resolve(failed(error)));
      socket.once("close", () => resolve({ kind: "unreachable", reason: "it closed the connection" }));
    });
  } catch (error) {
    signal?.throwIfAborted();
    if (!limit.aborted) throw error;
    return { kind: "unreachable", reason: `no TLS connection within ${timeoutMs} ms` };
  } finally {
    socket.on("error", () => undefined);
    socket.destroy();
  }
}

function seen(
  error: Error | string | undefined | null,
  certificate: DetailedPeerCertificate,
): CertificateOutcome {
  const chain: SeenCertificate["chain"] = [];
  const names = certificate.subjectaltname ?? certificate.subject?.CN ?? "";
  let at: DetailedPeerCertificate | undefined = certificate;
  while (at?.valid_to !== undefined && chain.length < MAX_CHAIN) {
    const { CN, O } = at.subject;
    chain.push({
      subject: CN ?? O ?? "without a name",
      validFrom: new Date(at.valid_from),
      validTo: new Date(at.valid_to),
    });
    at = at.issuerCertificate === at ? undefined : at.issuerCertificate;
  }
  return { kind: "seen", refusal: refusalOf(error), chain, names };
}

function refusalOf(error: Error | string | undefined | null): SeenCertificate["refusal"] {
  if (error === undefined || error === null) return undefined;
  if (typeof error === "string") return { code: error, reason: error };
  return { code: codeOf(error) ?? error.message, reason: error.message };
}

function failed(error: Error): CertificateOutcome {
  const code = codeOf(error);
  const isTls = code?.startsWith("ERR_SSL") === true || code === "EPROTO";
  return { kind: isTls ? "no-tls" : "unreachable", reason: code ?? error.message };
}

function codeOf(error: Error): string | undefined {
  return "code" in error && typeof error.code === "string" ? error.code : undefined;
}
