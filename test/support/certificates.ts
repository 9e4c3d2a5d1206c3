import "reflect-metadata"; // which @peculiar/x509 needs to be there before it
import { webcrypto } from "node:crypto";
import { createServer, type Server } from "node:tls";
import type { AddressInfo } from "node:net";
import * as x509 from "@peculiar/x509";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const DAY_MS = 86_400_000;

export interface Issued {
  certificate: x509.X509Certificate;
  keys: webcrypto.CryptoKeyPair;
}

export interface ToIssue {
  name: string;
  /** Days from now. */
  fromDays?: number;
  untilDays?: number;
  /** Host names and addresses that it is for. */
  hosts?: string[];
  isAuthority?: boolean;
  /** Signed by itself when left out. */
  by?: Issued;
}

/** Makes a real certificate. */
export async function issue({
  name,
  fromDays = -1,
  untilDays = 100,
  hosts = [],
  isAuthority = false,
  by,
}: ToIssue): Promise<Issued> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const names = hosts.map((value) => ({
    type: /^[\d.]+$/.test(value) ? ("ip" as const) : ("dns" as const),
    value,
  }));
  const certificate = await x509.X509CertificateGenerator.create({
    subject: `CN=${name}`,
    issuer: by === undefined ? `CN=${name}` : by.certificate.subject,
    notBefore: new Date(Date.now() + fromDays * DAY_MS),
    // A minute more, so that whole days are counted alike while the test runs.
    notAfter: new Date(Date.now() + untilDays * DAY_MS + 60_000),
    publicKey: keys.publicKey,
    signingKey: (by?.keys ?? keys).privateKey,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(isAuthority, undefined, true),
      ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)]),
    ],
  });
  return { certificate, keys };
}

export function pemOf({ certificate }: Issued): string {
  return certificate.toString("pem");
}

export interface TlsServer {
  url: string;
  /** Shows these from now on, its own first. */
  show(own: Issued, ...chain: Issued[]): Promise<void>;
  close(): Promise<void>;
}

/** A TLS server on 127.0.0.1 that shows these certificates, its own first. */
export async function serveTls(own: Issued, ...chain: Issued[]): Promise<TlsServer> {
  const server: Server = createServer(await shown(own, chain));
  server.on("tlsClientError", () => undefined);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    show: async (...next) => server.setSecureContext(await shown(next[0], next.slice(1))),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

async function shown(own: Issued, chain: readonly Issued[]): Promise<{ cert: string; key: string }> {
  const key = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", own.keys.privateKey)).toString("base64");
  return {
    cert: [own, ...chain].map(pemOf).join("\n"),
    key: `-----BEGIN PRIVATE KEY-----\n${key.replaceAll(/(.{64})/g, "$1\n")}\n-----END PRIVATE KEY-----\n`,
  };
}
