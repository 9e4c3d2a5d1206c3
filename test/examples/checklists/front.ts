import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { issue, pemOf, serveTls } from "../../support/certificates.ts";

/** What stands before the shop: a CDN, and an address with a certificate. */
export interface Front extends AsyncDisposable {
  readonly cdn: string;
  /** With the certificate. */
  readonly shop: string;
  /** PEM of who issued the certificate. */
  readonly authority: string;
  /** Headers of every answer of the CDN from now on. */
  answerWith(headers: Readonly<Record<string, string>>): void;
  /** Shows a certificate that is valid for so many days from now on. */
  showCertificate(days: number): Promise<void>;
}

/** What the CDN answers with as long as nothing is wrong. */
export const CDN_HEADERS = {
  "cache-control": "public, max-age=31536000, immutable",
  "x-content-type-options": "nosniff",
};

export async function openFront(): Promise<Front> {
  let headers: Readonly<Record<string, string>> = CDN_HEADERS;
  const cdn = createServer((_request, response: ServerResponse) => {
    response.writeHead(200, headers).end("export {};\n");
  });
  await new Promise<void>((done) => cdn.listen(0, "127.0.0.1", done));
  const authority = await issue({ name: "authority", isAuthority: true });
  const certificate = (untilDays: number) =>
    issue({ name: "shop", hosts: ["127.0.0.1"], untilDays, by: authority });
  const shop = await serveTls(await certificate(90));
  return {
    cdn: `http://127.0.0.1:${(cdn.address() as AddressInfo).port}`,
    shop: shop.url,
    authority: pemOf(authority),
    answerWith: (wanted) => void (headers = wanted),
    showCertificate: async (days) => shop.show(await certificate(days)),
    async [Symbol.asyncDispose]() {
      await shop.close();
      cdn.closeAllConnections();
      await new Promise((done) => cdn.close(done));
    },
  };
}
