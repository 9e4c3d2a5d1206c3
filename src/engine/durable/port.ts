/**
 * What tminus asks of a durable-execution engine: each started id is executed by one live worker at a time,
 * and executed again from its start after that worker died. Everything inside an execution (attempts,
 * signals, timers, fences) is tminus's own journal, so an execution has no engine checkpoints that a new
 * version could fail to replay. See docs/adr/0003.
 */
export interface DurableEngine {
  /** Starts taking work. `execute` is called once for each id handed to this worker. */
  launch(execute: (id: string) => Promise<void>): Promise<void>;
  /** Hands an id to whichever worker is free. Idempotent: an id is started once, however often this is called. */
  start(id: string): Promise<void>;
  /** Hands everything that a dead worker was executing to the workers that live. Returns the ids. */
  recover(deadWorker: string): Promise<string[]>;
  /** Stops taking work. What is being executed stays with this worker's name until somebody recovers it. */
  close(): Promise<void>;
}
