import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A new folder that is removed with all that is in it when `cleanUp` is disposed of. */
export async function temporaryFolder(cleanUp: AsyncDisposableStack): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "tminus-bench-"));
  cleanUp.defer(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
