import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build } from "vite";

const web = join(import.meta.dirname, "../../web");
const COMPRESSED = /\.(js|css|html|svg)$/;

/** Builds the console, and lays what servers send compressed beside each file. Returns the folder: web/dist, or the one given. */
export async function buildConsole(outDir = join(web, "dist")): Promise<string> {
  await build({ configFile: join(web, "vite.config.ts"), logLevel: "warn", build: { outDir } });
  for (const file of readdirSync(outDir, { recursive: true, encoding: "utf8" })) {
    if (!COMPRESSED.test(file)) continue;
    const content = readFileSync(join(outDir, file));
    writeFileSync(join(outDir, `${file}.gz`), gzipSync(content, { level: 9 }));
    writeFileSync(join(outDir, `${file}.br`), brotliCompressSync(content));
  }
  return outDir;
}
