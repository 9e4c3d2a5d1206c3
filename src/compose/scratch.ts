import type { ScratchServer } from "../model/ports.ts";
import {
  createThrowawayDatabase,
  openThrowawayPostgres,
  type ThrowawayPostgres,
} from "../store/throwaway-postgres.ts";
import type { Environment } from "./secrets.ts";

/**
 * Databases to rehearse in and to restore into: on the server that TMINUS_SCRATCH_URL names, else on servers of our
 * own, each started by the first call that needs it and removed by `close`.
 */
export function openScratch(environment: Environment): ScratchServer & { close(): Promise<void> } {
  const named = environment.TMINUS_SCRATCH_URL;
  const opening = new Map<"full" | "minimal", Promise<ThrowawayPostgres>>();
  const adminUrl = async (log: "full" | "minimal"): Promise<string> => {
    if (named !== undefined && named !== "") return named;
    const server = opening.get(log) ?? openThrowawayPostgres(log);
    opening.set(log, server);
    return (await server).adminUrl;
  };
  return {
    async createDatabase(use) {
      const { url, drop } = await createThrowawayDatabase(
        await adminUrl(use === "proof" ? "minimal" : "full"),
      );
      return { connectionString: url, [Symbol.asyncDispose]: drop };
    },
    async close() {
      // A server that could not be started was reported by the call that needed it.
      for (const server of opening.values()) await (await server.catch(() => undefined))?.close();
    },
  };
}
