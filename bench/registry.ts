import { audit } from "./audit.ts";
import { backfill } from "./backfill.ts";
import { backup } from "./backup.ts";
import type { Benchmark } from "./benchmark.ts";
import { cli } from "./cli.ts";
import { console } from "./console.ts";
import { drift } from "./drift.ts";
import { edge } from "./edge.ts";
import { engine } from "./engine.ts";
import { history } from "./history.ts";
import { lint } from "./lint.ts";
import { lockqueue } from "./lockqueue.ts";
import { migrate } from "./migrate.ts";
import { watch } from "./watch.ts";
import { workers } from "./workers.ts";

export const benchmarks: readonly Benchmark[] = [
  audit,
  backfill,
  backup,
  cli,
  console,
  drift,
  edge,
  engine,
  history,
  lint,
  lockqueue,
  migrate,
  watch,
  workers,
];
