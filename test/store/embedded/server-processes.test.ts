import { describe, expect, it } from "vitest";
import { clusterName, parsePs } from "../../../src/store/embedded/server-processes.ts";

const OUTPUT = `
    1     0 /sbin/launchd
  420   501 /opt/pg/bin/postgres -D /a b/data -c cluster_name=tminus-1
  421   501 postgres: tminus-1: checkpointer 
  422   501 vim postgres.md
  423   502 /opt/pg/bin/postgres -D /other
`;

describe("parsePs", () => {
  it("keeps the postmasters and children of the user and nothing else", () => {
    expect(parsePs(OUTPUT, 501).map(({ pid }) => pid)).toEqual([420, 421]);
    expect(parsePs(OUTPUT, 501)[0]!.command).toContain("-D /a b/data");
    expect(parsePs("", 501)).toEqual([]);
  });
});

describe("clusterName", () => {
  it("tells folders apart and fits the length that the server allows", () => {
    expect(clusterName("/a")).not.toBe(clusterName("/b"));
    expect(clusterName("/a").length).toBeLessThan(64);
  });
});
