import type { ScratchServer } from "../model/ports.ts";
import {
  createThrowawayDatabase,
  openThrowawayPostgres,
  type ThrowawayPostgres,
} from "../store/throwaway-postgres.ts";
import type { Environment } from "./secrets.ts";

/**
 * Databases to rehearse in and to restore into: on the server that TMINUS_SCRATCH_URL names, else on one of our
 * own, started by the first call and removed by `close`.
 */
export function openScratch(environment: Environment): ScratchServer & { close(): Promise<void> } {
  const named = environment.TMINUS_SCRATCH_URL;
  let opening: Promise<ThrowawayPostgres> | undefined;
  const adminUrl = async (): Promise<string> => {
    if (named !== undefined && named !== "") return named;
    return (await (opening ??= openThrowawayPostgres())).adminUrl;
  };
  return {
    async createDatabase() {
      const { url, drop } = await createThrowawayDatabase(await adminUrl());
      return { connectionString: url, [Symbol.asyncDispose]: drop };
    },
    async close() {
      // A server that could not be started was reported by the call that needed it.
      await (await opening?.catch(() => undefined))?.close();
    },
  };
}
