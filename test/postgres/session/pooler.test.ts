import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { identify, run, spawnDetached, terminate } from "../../../src/lib/process.ts";
import { freePort } from "../../../src/providers/local/free-port.ts";
import { checkConnection, openSession } from "../../../src/postgres/session/connect.ts";
import { refuseKnownPooler } from "../../../src/postgres/session/pooler.ts";
import { freshDatabase } from "../../support/database.ts";
import { until } from "../migrations/world.ts";

const found = await run(["pgbouncer", "--version"], {
  env: { PATH: process.env.PATH ?? "" },
  timeoutMs: 5_000,
});
const hasPgbouncer = found.exitCode === 0;

/** A real pgbouncer before a database of the test server. */
async function openPgbouncer(url: string, mode: string): Promise<AsyncDisposable & { url: string }> {
  const directory = await mkdtemp(join(tmpdir(), "tminus-pgbouncer-"));
  const upstream = new URL(url);
  const port = await freePort("127.0.0.1", directory);
  const database = upstream.pathname.slice(1);
  const config = join(directory, "pgbouncer.ini");
  await writeFile(join(directory, "users.txt"), '"postgres" ""\n');
  await writeFile(
    config,
    `[databases]
${database} = host=${upstream.searchParams.get("host")} port=${upstream.port} dbname=${database} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
auth_file = ${directory}/users.txt
pool_mode = ${mode}
ignore_startup_parameters = extra_float_digits
`,
  );
  await run(["chmod", "-R", "a+rX", directory], { env: { PATH: process.env.PATH ?? "" }, timeoutMs: 5_000 });
  // It refuses to run as root; the user of the test server may reach its socket.
  const asUser = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
  const env = { PATH: process.env.PATH ?? "" };
  const server = await spawnDetached(["pgbouncer", config], {
    cwd: "/",
    env,
    logFile: join(directory, "log"),
    ...asUser,
  });
  const pooled = new URL(`postgresql://postgres@127.0.0.1:${port}/${database}`);
  await until(
    async () => (await checkConnection(pooled.href, AbortSignal.timeout(5_000))).verdict === "pass",
  );
  return {
    url: pooled.href,
    async [Symbol.asyncDispose]() {
      if (identify(server.pid) !== undefined) await terminate(server, 5_000);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

describe("refuseKnownPooler", () => {
  it("refuses Supabase's transaction pooler and gives the direct form, without the password", () => {
    let failure: unknown;
    try {
      refuseKnownPooler(
        "postgresql://postgres.abcd:secret-word@aws-0-eu-west-1.pooler.supabase.com:6543/postgres",
      );
    } catch (error) {
      failure = error;
    }
    expect(failure).toMatchObject({
      code: "DATABASE_POOLED",
      hint: expect.stringContaining("postgresql://postgres:…@db.abcd.supabase.co:5432/postgres") as string,
    });
    expect(JSON.stringify(failure)).not.toContain("secret-word");
  });

  it("lets its session pooler pass, and every other address", () => {
    refuseKnownPooler("postgresql://postgres.abcd:x@aws-0-eu-west-1.pooler.supabase.com:5432/postgres");
    refuseKnownPooler("postgresql://ann@db.example.com:6543/shop");
  });
});

describe("openSession to the server itself", () => {
  it("takes a direct connection for one", async () => {
    const database = await freshDatabase();
    const options = {
      connectionString: database.url,
      purpose: "test",
      statementTimeoutMs: 5_000,
      direct: true,
    };
    {
      await using session = await openSession(options);
      expect(session.announcedPid).toBe(session.pid);
    }
    await database.drop();
  });

  it.skipIf(!hasPgbouncer)("refuses a pgbouncer that pools transactions (needs pgbouncer)", async () => {
    const database = await freshDatabase();
    {
      await using pooler = await openPgbouncer(database.url, "transaction");
      const options = {
        connectionString: pooler.url,
        purpose: "test",
        statementTimeoutMs: 5_000,
        direct: true,
      };
      await expect(openSession(options)).rejects.toMatchObject({ code: "DATABASE_POOLED" });
    }
    await database.drop();
  });

  it.skipIf(!hasPgbouncer)("lets a pgbouncer that pools sessions pass (needs pgbouncer)", async () => {
    const database = await freshDatabase();
    {
      await using pooler = await openPgbouncer(database.url, "session");
      const options = {
        connectionString: pooler.url,
        purpose: "test",
        statementTimeoutMs: 5_000,
        direct: true,
      };
      await using session = await openSession(options);
      expect(session.announcedPid).not.toBe(session.pid);
    }
    await database.drop();
  });
});
