import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { serverAccount } from "../../../src/store/embedded/server-account.ts";
import { prepareSocketFolder } from "../../../src/store/embedded/socket-folder.ts";

const account = serverAccount();
let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "tminus-socket-"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

it("makes a folder for the server's account alone, and accepts it again", () => {
  const path = prepareSocketFolder(home, account);
  expect(prepareSocketFolder(home, account)).toBe(path);
  expect({ uid: statSync(path).uid, mode: statSync(path).mode & 0o777 }).toEqual({
    uid: account.uid,
    mode: 0o700,
  });
});

it("refuses a folder that others can enter", () => {
  mkdirSync(join(home, "socket"));
  chmodSync(join(home, "socket"), 0o755);
  expect(() => prepareSocketFolder(home, account)).toThrow(
    expect.objectContaining({ code: "STATE_UNAVAILABLE" }),
  );
});

it("refuses a link in the folder's place", () => {
  mkdirSync(join(home, "elsewhere"), { mode: 0o700 });
  symlinkSync(join(home, "elsewhere"), join(home, "socket"));
  expect(() => prepareSocketFolder(home, account)).toThrow(
    expect.objectContaining({ code: "STATE_UNAVAILABLE" }),
  );
});
