import { systemClock } from "../../../src/lib/clock.ts";
import { openCluster } from "../../../src/store/embedded/open-cluster.ts";

// A program: opens the cluster of the folder named on its command line and prints how; then stops it
// ("stop"), stays ("stay"), or just ends. "die:<text>" kills it at the first progress line with that text.
const [directory, then] = process.argv.slice(2);
const log = (line: string): void => {
  if (then?.startsWith("die:") && line.startsWith(then.slice(4))) process.kill(process.pid, "SIGKILL");
};
const cluster = await openCluster({ directory: directory!, clock: systemClock, log });
process.stdout.write(
  `${JSON.stringify({ pid: cluster.postmaster.pid, attached: cluster.attached, url: cluster.connectionString })}\n`,
);
if (then === "stop") await cluster.stop();
if (then === "stay") await systemClock.sleep(600_000);
