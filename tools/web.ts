import { consoleSizes, overBudget } from "./web/console-sizes.ts";
import { buildConsole } from "./web/build-console.ts";

/** `npm run web`: builds the console into web/dist, and says how large it is. Fails when that is too much. */
const folder = await buildConsole();
const sizes = consoleSizes(folder);
for (const { kind, bytes, budget } of sizes)
  process.stdout.write(`${kind}  ${(bytes / 1000).toFixed(1)} KB gzipped of ${budget / 1000} KB\n`);
for (const { kind } of overBudget(sizes)) {
  process.stderr.write(`the console's ${kind} is larger than what loads fast enough on a phone\n`);
  process.exitCode = 1;
}
