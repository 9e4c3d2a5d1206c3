import { globSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { canIsolate, runIsolated } from "../support/isolated-network.ts";

const PATIENCE = { timeout: 120_000 };
const SOURCE = resolve(import.meta.dirname, "../../src");
const PROGRAM = resolve(import.meta.dirname, "../fixtures/isolated/ask-everything-child.ts");

/** On the loopback of the isolated network, where they are really answered. */
const ADDRESSES = [
  "169.254.169.254/32",
  "169.254.170.2/32",
  "100.100.100.200/32",
  "192.0.0.192/32",
  "168.63.129.16/32",
  "fd00:ec2::254/128",
  "fd20:ce::254/128",
  "fe80::1/64",
  "64:ff9b::a9fe:a9fe/128",
  "2002:a9fe:a9fe::/128",
];
const REFUSED = [
  "169.254.169.254",
  "169.254.170.2",
  "100.100.100.200",
  "192.0.0.192",
  "168.63.129.16",
  "2852039166", // the same in decimal
  "0xa9fea9fe",
  "0xa9.0xfe.0xa9.0xfe",
  "0251.0376.0251.0376", // in octal
  "169.254.43518",
  "１６９.254.169.254", // wide digits
  "169。254。169。254",
  "127.0.0.1@169.254.169.254", // a name in front
  "[::ffff:169.254.169.254]",
  "[::ffff:a9fe:a9fe]",
  "[fd00:ec2::254]",
  "[fd20:ce::254]",
  "[fe80::1]",
  "[64:ff9b::a9fe:a9fe]",
  "[2002:a9fe:a9fe::]",
  "metadata.google.internal",
  "metadata.google.internal.",
  "both.example",
];
/** Those of this machine are asked: releases run there on a laptop. */
const ALLOWED = ["127.0.0.1", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]"];

/** Everything in the source that opens connections of its own, and to where; all else asks through `request`. */
const CONNECTS: Record<string, string> = {
  "lib/http.ts": "checked",
  "lib/certificate.ts": "checked",
  "client/connection.ts": "the server that somebody at a terminal names with TMINUS_URL",
  "providers/local": "its own processes, on this machine",
  "testing/load-client.ts": "what the caller of a test measures",
};

interface Outcome {
  /** Which of its addresses were reached by somebody who does not ask. */
  present: string[];
  said: Record<string, string>;
}

const run = async (hosts: readonly string[]): Promise<Outcome> =>
  JSON.parse(await runIsolated(ADDRESSES, PROGRAM, JSON.stringify({ hosts }))) as Outcome;

describe("whoever names an address", () => {
  it("has it asked by what is checked alone", () => {
    const files = globSync("**/*.ts", { cwd: SOURCE }).filter((file) => {
      const text = readFileSync(join(SOURCE, file), "utf8");
      const isClient =
        /\b(import|from)\b.*"node:(http|https|tls|http2|net|dgram|dns)"/.test(text) || /\bfetch\(/.test(text);
      return isClient && /\b(request|connect|get|fetch|createConnection|createSocket)\(/.test(text);
    });
    const unknown = files.filter((file) => !Object.keys(CONNECTS).some((known) => file.startsWith(known)));
    expect(unknown).toEqual([]);
  });

  it.skipIf(!canIsolate())("never gets a request to the metadata of a cloud", PATIENCE, async () => {
    const { present, said } = await run(REFUSED);
    expect(present).toEqual(["127.0.0.1", "169.254.169.254", "::1", "fe80::1%lo"]);
    for (const [what, outcome] of Object.entries(said)) {
      const isFromHere = what.endsWith(" redirect") || what === "issuer's token";
      expect([what, outcome]).toEqual([
        what,
        expect.stringMatching(isFromHere ? /reached 127\.0\.0\.1$/ : /reached nobody$/),
      ]);
    }
    expect(Object.keys(said)).toHaveLength(REFUSED.length * 6 + 1);
    expect(said["169.254.169.254 request"]).toContain("169.254.169.254 is never asked: it is link-local");
    expect(said["both.example request"]).toContain("both.example (169.254.169.254) is never asked");
    expect(said["169.254.169.254 redirect"]).toContain("redirects to another host");
    expect(said["issuer's token"]).toContain("the identity provider's answer is not good");
  });

  it.skipIf(!canIsolate())(
    "has this machine asked, and the address that was checked when the name means another later",
    PATIENCE,
    async () => {
      const { said } = await run([...ALLOWED, "rebind.example"]);
      for (const host of ALLOWED)
        expect(said[`${host} request`]).toMatch(/"status":200.*reached (127\.0\.0\.1|::1)$/);
      const rebound = Object.entries(said).filter(([what]) => what.startsWith("rebind.example"));
      const texts = rebound.map(([, outcome]) => outcome);
      // Half of the look-ups get the one, half the other; each connection goes to what its own look-up gave.
      expect(texts.some((text) => /"status":200.*reached 127\.0\.0\.1$/.test(text))).toBe(true);
      expect(texts.some((text) => text.includes("rebind.example (169.254.169.254) is never asked"))).toBe(
        true,
      );
      expect(texts.filter((text) => text.includes("reached 169"))).toEqual([]);
    },
  );
});
