import type { ScratchDatabase } from "../../model/ports.ts";

/** A backup that was restored and compared with its source: what a rehearsal with the real rows is made in. */
export interface ProvenRestore {
  /** A copy of the restored database that may be changed and is removed when it is disposed. */
  createClone(): Promise<ScratchDatabase>;
}
