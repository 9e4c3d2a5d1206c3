/** One benchmark, run by `npm run bench -- <name>`. */
export interface Benchmark {
  name: string;
  /** One sentence for the list. */
  summary: string;
  /** How long it may take; three minutes when left out. */
  limitMs?: number;
  /**
   * Measures and cleans up, also when it fails or `signal` aborts. `say` tells a person what goes on; it may
   * be called at any time.
   */
  run(say: (line: string) => void, signal: AbortSignal): Promise<BenchmarkResult>;
}

export interface BenchmarkResult {
  /** Ours over the peer's, measured in the same process run: what may be compared between machines. */
  ratios: Record<string, number>;
  /** Plain numbers, with their unit in the name; they depend on the machine. */
  figures: Record<string, number>;
}
