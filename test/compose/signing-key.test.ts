import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeSigningKey, readSigningKey, type KeyPlace } from "../../src/compose/signing-key.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tminus-key-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function place(environment: KeyPlace["environment"] = {}): KeyPlace {
  return { stateDirectory: join(folder, "state"), projectDirectory: folder, environment };
}

const pemOf = (key: ReturnType<typeof generateKeyPairSync>["privateKey"]): string =>
  key.export({ type: "pkcs8", format: "pem" }).toString();

describe("the key that signs bundles", () => {
  it("is made once, for nobody else to read, however many ask for it at once", async () => {
    const keys = await Promise.all([1, 2, 3].map(() => makeSigningKey(place())));
    expect(keys.filter(({ isNew }) => isNew)).toHaveLength(1);
    expect(new Set(keys.map(({ publicKey }) => publicKey)).size).toBe(1);
    expect(statSync(join(folder, "state/audit-key.pem")).mode & 0o777).toBe(0o600);
    expect((await readSigningKey(place())).publicKey).toBe(keys[0]!.publicKey);
  });

  it("is the one that TMINUS_SIGNING_KEY refers to, when it does", async () => {
    const { privateKey } = generateKeyPairSync("ed25519");
    const environment = { TMINUS_SIGNING_KEY: "env:RELEASE_KEY", RELEASE_KEY: pemOf(privateKey) };
    const key = await makeSigningKey(place(environment));
    expect([key.from, key.isNew]).toEqual(["env:RELEASE_KEY", false]);
    expect(key.publicKey).toBe((await readSigningKey(place(environment))).publicKey);
    expect(key.publicKey).not.toBe((await makeSigningKey(place())).publicKey);
  });

  it("is missing where there is none or something else, which is told without what is there", async () => {
    await expect(readSigningKey(place())).rejects.toMatchObject({ code: "SIGNING_KEY_MISSING" });
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    for (const value of ["not-a-key-but-secret", pemOf(privateKey)]) {
      const error: unknown = await readSigningKey(
        place({ TMINUS_SIGNING_KEY: "env:RELEASE_KEY", RELEASE_KEY: value }),
      ).catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code: "SIGNING_KEY_MISSING" });
      expect(JSON.stringify(error)).not.toContain("secret");
    }
    await makeSigningKey(place());
    writeFileSync(join(folder, "state/audit-key.pem"), "gone");
    await expect(makeSigningKey(place())).rejects.toMatchObject({ code: "SIGNING_KEY_MISSING" });
  });
});
