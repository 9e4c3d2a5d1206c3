import { Client } from "pg";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/lib/clock.ts";
import { clusterStatus } from "../../../src/store/embedded/cluster-status.ts";
import { joinCluster, type Member } from "../../../src/store/embedded/join-cluster.ts";
import { cleanUp, leftovers, newState, query, removeAbandonedFolders } from "./clusters.ts";

beforeAll(removeAbandonedFolders);
afterEach(cleanUp);

async function join(directory: string): Promise<Member> {
  leftovers.states.add(directory);
  return joinCluster({ directory, clock: systemClock, settings: { fsync: "off" } });
}

describe("joinCluster", () => {
  it("gives whoever joins while the last one leaves a server that stays", async () => {
    const directory = newState();
    let member = await join(directory);
    for (let round = 0; round < 16; round++) {
      // One leaves in the middle of the other's coming, each time a little later.
      const coming = join(directory);
      await systemClock.sleep(round);
      await member.leave({ stopServer: true });
      const next = await coming;
      expect(await query(next.cluster.connectionString, "select 1 as one")).toEqual([{ one: 1 }]);
      member = next;
    }
    await member.leave({ stopServer: true });
    expect(await clusterStatus(directory)).toBe("stopped");
  });

  it("keeps the server for members that do nothing, and for sessions of others", async () => {
    const directory = newState();
    const [idle, leaving] = [await join(directory), await join(directory)];
    await leaving.leave({ stopServer: true });
    const foreign = new Client({ connectionString: idle.cluster.connectionString });
    await foreign.connect();
    await idle.leave({ stopServer: true });
    expect((await foreign.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    await foreign.end();
    await (await join(directory)).leave({ stopServer: true });
    expect(await clusterStatus(directory)).toBe("stopped");
  });

  it("leaves the server running when it is not to be stopped", async () => {
    const directory = newState();
    const { cluster, leave } = await join(directory);
    await leave({ stopServer: false });
    expect(await clusterStatus(directory)).toEqual({ running: true, pid: cluster.postmaster.pid });
  });
});
