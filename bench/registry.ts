import type { Benchmark } from "./benchmark.ts";
import { cli } from "./cli.ts";
import { edge } from "./edge.ts";
import { engine } from "./engine.ts";

export const benchmarks: readonly Benchmark[] = [cli, edge, engine];
