import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { findInside, scriptCommand } from "../../src/lib/script-file.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "tminus-script-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

it("finds what lies inside, also through links that stay inside", () => {
  mkdirSync(join(directory, "sub"));
  writeFileSync(join(directory, "sub", "a.sh"), "");
  symlinkSync("sub/a.sh", join(directory, "link.sh"));
  for (const path of ["sub/a.sh", "./sub/../link.sh", join(directory, "sub/a.sh"), "."])
    expect(findInside(directory, path).state).toBe("found");
});

it("refuses what is missing or leads out, also by a folder whose name begins alike", () => {
  mkdirSync(`${directory}-other`);
  symlinkSync("/etc", join(directory, "etc"));
  for (const path of ["gone", "..", "etc/passwd", "/etc/passwd", `${directory}-other`])
    expect(findInside(directory, path).state).toBe("refused");
  rmSync(`${directory}-other`, { recursive: true });
});

it.each([
  ["#!/bin/sh\necho", ["/bin/sh"]],
  ["#!/usr/bin/env node\r\n", ["/usr/bin/env", "node"]],
  ["#! /usr/bin/env -S node --test  \n", ["/usr/bin/env", "-S node --test"]],
  ["echo no interpreter\n", ["sh"]],
  ["", ["sh"]],
])("runs a file that begins with %j by its interpreter", (content, command) => {
  const file = join(directory, "script");
  writeFileSync(file, content);
  expect(scriptCommand(file)).toEqual([...command, file]);
});
