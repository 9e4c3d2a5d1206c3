import { fileURLToPath } from "node:url";

/** The file of a module beside the one whose `import.meta.url` is given, from the sources as from what they are compiled to. */
export function programFile(withoutExtension: string, from: string): string {
  return fileURLToPath(new URL(`${withoutExtension}${from.endsWith(".ts") ? ".ts" : ".js"}`, from));
}
