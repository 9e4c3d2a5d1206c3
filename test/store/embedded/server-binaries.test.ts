import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { serverAccount } from "../../../src/store/embedded/server-account.ts";
import {
  findBinaryPackage,
  prepareBinaries,
  thisPlatform,
} from "../../../src/store/embedded/server-binaries.ts";

const account = serverAccount();
let folder: string;
let packageFolder: string;
let cache: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tminus-binaries-"));
  chmodSync(folder, 0o755);
  packageFolder = join(folder, "package");
  cache = join(folder, "cache");
  mkdirSync(cache);
  const files = {
    "package.json": JSON.stringify({ version: "18.4.0-test" }),
    "native/pg-symlinks.json": JSON.stringify([
      { source: "native/lib/libx.so.1.2", target: "native/lib/libx.so.1" },
    ]),
    "native/bin/postgres": "program",
    "native/bin/initdb": "program",
    "native/lib/libx.so.1.2": "library",
    "native/lib/libx.a": "archive",
    "native/share/postgresql/postgres.bki": "text",
  };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(packageFolder, name)), { recursive: true });
    writeFileSync(join(packageFolder, name), text, { mode: name.includes("/bin/") ? 0o755 : 0o644 });
  }
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("prepareBinaries", () => {
  it("uses a readable package where it is, and makes the links that are missing", async () => {
    const binaries = await prepareBinaries(packageFolder, cache, account);
    expect(binaries).toEqual({
      version: "18.4.0-test",
      major: "18",
      postgres: join(packageFolder, "native/bin/postgres"),
      initdb: join(packageFolder, "native/bin/initdb"),
    });
    expect(readlinkSync(join(packageFolder, "native/lib/libx.so.1"))).toBe("libx.so.1.2");
    expect(await prepareBinaries(packageFolder, cache, account)).toEqual(binaries);
  });

  it.skipIf(!account.switches)(
    "copies a package that the server's account cannot reach (skipped unless root)",
    async () => {
      chmodSync(packageFolder, 0o700);
      chmodSync(join(packageFolder, "native/share/postgresql/postgres.bki"), 0o600);
      const binaries = await prepareBinaries(packageFolder, cache, account);
      const copy = join(cache, `binaries-18.4.0-test-${process.arch}`, "content", "native");
      expect(binaries.postgres).toBe(join(copy, "bin/postgres"));
      expect(statSync(binaries.postgres).mode & 0o777).toBe(0o755);
      expect(statSync(join(copy, "share/postgresql/postgres.bki")).mode & 0o777).toBe(0o644);
      expect(readFileSync(join(copy, "lib/libx.so.1"), "utf8")).toBe("library");
      expect(existsSync(join(copy, "lib/libx.a"))).toBe(false);
      expect(existsSync(join(packageFolder, "native/lib/libx.so.1"))).toBe(false);
    },
  );

  it.skipIf(account.switches)("copies a package whose links cannot be made (skipped as root)", async () => {
    chmodSync(join(packageFolder, "native/lib"), 0o555);
    const binaries = await prepareBinaries(packageFolder, cache, account);
    chmodSync(join(packageFolder, "native/lib"), 0o755);
    expect(binaries.postgres.startsWith(cache)).toBe(true);
    expect(existsSync(join(dirname(dirname(binaries.postgres)), "lib/libx.so.1"))).toBe(true);
  });

  it("reports a damaged package", async () => {
    rmSync(join(packageFolder, "native/pg-symlinks.json"));
    await expect(prepareBinaries(packageFolder, cache, account)).rejects.toMatchObject({
      code: "STATE_UNAVAILABLE",
      details: { packageFolder },
    });
  });
});

describe("findBinaryPackage", () => {
  it("finds the package of this platform", () => {
    expect(existsSync(join(findBinaryPackage(), "native/bin/postgres"))).toBe(true);
  });

  it.each([
    ["an unknown system", { platform: "win32", arch: "x64", loader: undefined }, "win32-x64"],
    ["an unknown processor", { platform: "linux", arch: "s390x", loader: undefined }, "linux-s390x"],
    ["another C library", { ...thisPlatform(), loader: "/lib/no-such-loader.so" }, "GNU C library"],
    [
      "a package that is not installed",
      { platform: "darwin", arch: "arm64", loader: undefined },
      "is not installed",
    ],
  ])("refuses %s", (_, platform, text) => {
    expect(() => findBinaryPackage(platform)).toThrow(
      expect.objectContaining({ code: "STATE_PLATFORM", message: expect.stringContaining(text) }),
    );
  });
});
