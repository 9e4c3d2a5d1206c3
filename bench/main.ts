import { benchmarks } from "./registry.ts";
import { runBenchmarks } from "./run-benchmarks.ts";

const interrupt = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  // Once: the second Ctrl-C ends the process at once, without cleaning up.
  process.once(name, () => interrupt.abort(new Error("interrupted")));
}
process.exitCode = await runBenchmarks(process.argv.slice(2), benchmarks, {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  signal: interrupt.signal,
});
