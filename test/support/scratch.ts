import type { ScratchServer } from "../../src/model/ports.ts";
import { freshDatabase } from "./database.ts";

/** The server of this test run as the server for throw-away databases. */
export const testScratch: ScratchServer = {
  async createDatabase() {
    const { url, drop } = await freshDatabase();
    return { connectionString: url, [Symbol.asyncDispose]: drop };
  },
};
