import { cpSync, readdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/**
 * Copies what the compiler leaves behind, the SQL of the journal's schema, to the same place below dist/ or
 * below the folder given.
 */
const root = dirname(import.meta.dirname);
const output = resolve(process.argv[2] ?? join(root, "dist"));
const assets = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" }).filter((file) =>
  file.endsWith(".sql"),
);
for (const file of assets) cpSync(join(root, "src", file), join(output, file));
if (assets.length === 0) {
  process.stderr.write("no .sql file below src/: the package would not find its own migrations\n");
  process.exitCode = 1;
}
