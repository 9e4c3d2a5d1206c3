import { readFileSync } from "node:fs";
import { perform, type KillCase } from "./cases.ts";
import { park } from "./parking.ts";

/**
 * One life of a client: does many things at once, each in a database of its own and each stopped at its
 * boundary; when all have got there it kills itself with SIGKILL. Exit code 3: some ended without getting there.
 */
const [file, directory] = process.argv.slice(2);
if (file === undefined || directory === undefined)
  throw new TypeError("usage: killed-child <cases> <directory>");
const cases = JSON.parse(readFileSync(file, "utf8")) as KillCase[];

const parked = cases.map((killCase) => {
  const stop = park(new URL(killCase.url).pathname.slice(1), killCase.at);
  void perform(killCase, killCase.url, directory).then(
    () => missed(killCase, "it ended"),
    (error: unknown) => missed(killCase, String(error)),
  );
  return stop;
});
await Promise.all(parked.map(({ reached }) => reached));
for (const [index, { mode }] of cases.entries()) if (mode === "during") parked[index]!.send();
process.kill(process.pid, "SIGKILL");

function missed(killCase: KillCase, why: string): void {
  process.stdout.write(`${JSON.stringify(killCase)}: ${why}\n`);
  process.exit(3);
}
