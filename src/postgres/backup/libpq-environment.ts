import { TminusError } from "../../errors.ts";
import { inheritedEnvironment } from "../../lib/inherited-environment.ts";

/** Parameters of a connection string that libpq takes from its environment under another name. */
const VARIABLES: Readonly<Record<string, string>> = {
  host: "PGHOST",
  port: "PGPORT",
  options: "PGOPTIONS",
  sslcert: "PGSSLCERT",
  sslkey: "PGSSLKEY",
  sslrootcert: "PGSSLROOTCERT",
};
/** What our own connections add or make of it. */
const LEFT_OUT = new Set(["sslmode", "ssl", "uselibpqcompat", "application_name", "connect_timeout"]);

/**
 * The environment in which a program of PostgreSQL reaches a database: nothing of it, above all no password, is in an
 * argument list. A certificate is checked as strictly as by our own connections. Errors: BACKUP_FAILED for a
 * connection string that cannot be told to it.
 */
export function libpqEnvironment(connectionString: string): Record<string, string> {
  if (!URL.canParse(connectionString)) throw refused("it is not a URL");
  const { hostname, port, username, password, pathname, searchParams } = new URL(connectionString);
  const environment: Record<string, string> = {
    ...inheritedEnvironment(),
    LC_ALL: "C",
    PGAPPNAME: "tminus backup",
    PGHOST: hostname.replaceAll(/^\[|\]$/g, ""),
    PGPORT: port === "" ? "5432" : port,
    PGUSER: decodeURIComponent(username),
    PGPASSWORD: decodeURIComponent(password),
    PGDATABASE: decodeURIComponent(pathname.slice(1)),
    PGCONNECT_TIMEOUT: "10",
    PGSSLMODE: sslModeOf(searchParams),
    // A password of somebody else's file is no way in for a run.
    PGPASSFILE: "/dev/null",
  };
  for (const [name, value] of searchParams) {
    const variable = VARIABLES[name];
    if (variable !== undefined) environment[variable] = value;
    else if (!LEFT_OUT.has(name)) throw refused(`it has the parameter ${name}, which pg_dump is not told`);
  }
  for (const [name, value] of Object.entries(environment)) if (value === "") delete environment[name];
  return environment;
}

/** pg checks the certificate for every mode that asks for encryption unless it is told to be as lenient as libpq. */
function sslModeOf(parameters: URLSearchParams): string {
  const mode = parameters.get("sslmode") ?? inheritedEnvironment("PGSSLMODE").PGSSLMODE ?? null;
  const wantsSsl = ["true", "1"].includes(parameters.get("ssl") ?? "");
  if (mode === "no-verify") return "require";
  if (mode === null) return wantsSsl ? "verify-full" : "disable";
  if (mode === "disable" || parameters.get("uselibpqcompat") === "true") return mode;
  return "verify-full";
}

function refused(reason: string): TminusError {
  return new TminusError("BACKUP_FAILED", `pg_dump cannot be given this connection string: ${reason}`, {
    hint: "Write it as postgres://user:password@host/database, or use tool: copy.",
  });
}
