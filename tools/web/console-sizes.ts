import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

export interface ConsoleSize {
  kind: "JS" | "CSS";
  /** Gzipped, all files together. */
  bytes: number;
  budget: number;
}

/** What a browser loads of the built console. */
export function consoleSizes(folder: string): ConsoleSize[] {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const total = (suffix: string): number =>
    files
      .filter((file) => file.endsWith(suffix))
      .reduce((sum, file) => sum + gzipSync(readFileSync(join(folder, file)), { level: 9 }).length, 0);
  return [
    { kind: "JS", bytes: total(".js"), budget: 60_000 },
    { kind: "CSS", bytes: total(".css"), budget: 10_000 },
  ];
}

export function overBudget(sizes: readonly ConsoleSize[]): ConsoleSize[] {
  return sizes.filter(({ bytes, budget }) => bytes > budget);
}
