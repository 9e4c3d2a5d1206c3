import { useEffect, useMemo } from "preact/hooks";
import type { CheckResource } from "../../src/server/contract/environment.ts";
import type { AuditResource } from "../../src/server/contract/project.ts";
import type { TokenResource, UserResource } from "../../src/server/contract/session.ts";
import type { Mark } from "../../src/report/run-marks.ts";
import { Panel, Problem, Quiet, StateMark, Time, Title } from "../parts/text.tsx";
import { resource, type Resource } from "../state/resource.ts";
import { session } from "../state/session.ts";

/** Who may do what, whether everything is there, and whether the history is whole. */
export function Settings() {
  const checks = useFound<{ checks: CheckResource[] }>("/checks");
  const users = useFound<{ users: UserResource[] }>("/users");
  const tokens = useFound<{ tokens: TokenResource[] }>("/tokens");
  const audit = useFound<AuditResource>("/audit");
  return (
    <>
      <Title>Settings</Title>
      <p class="quiet">
        tminus {session.value?.version} · signed in as {session.value?.who?.name}:{" "}
        {session.value?.who?.roles.join(", ")}
      </p>
      <Checks checks={checks} />
      <Audit audit={audit} />
      <Users users={users} />
      <Tokens tokens={tokens} />
    </>
  );
}

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller knows what the path answers
function useFound<T>(path: string): Resource<T> {
  const found = useMemo(() => resource<T>(() => path), [path]);
  useEffect(() => found.refresh(), [found]);
  return found;
}

const checkMarks: Readonly<Record<CheckResource["verdict"], Mark>> = {
  pass: { icon: "✓", word: "pass", paint: "green" },
  fail: { icon: "✗", word: "fail", paint: "red" },
  unknown: { icon: "?", word: "unknown", paint: "yellow" },
};

function Checks({ checks: { value, problem } }: { checks: Resource<{ checks: CheckResource[] }> }) {
  return (
    <Panel title="Checks" aside="as tminus doctor">
      <Problem error={problem.value} />
      {value.value === undefined && problem.value === undefined && <Quiet>Looking …</Quiet>}
      {value.value?.checks.map(({ id, verdict, text, fix }) => (
        <p key={id} class="line">
          <StateMark {...checkMarks[verdict]} /> <strong>{id}</strong> {text}
          {fix !== undefined && <span class="fix"> fix: {fix}</span>}
        </p>
      ))}
    </Panel>
  );
}

const auditMarks: Readonly<Record<AuditResource["verdict"], Mark>> = {
  sound: { icon: "✓", word: "SOUND", paint: "green" },
  broken: { icon: "✗", word: "BROKEN", paint: "red" },
  unknown: { icon: "?", word: "NOT FULLY KNOWN", paint: "yellow" },
};

function Audit({ audit: { value, problem } }: { audit: Resource<AuditResource> }) {
  const found = value.value;
  return (
    <Panel title="Audit" aside="as tminus audit verify">
      <Problem error={problem.value} />
      {found === undefined && problem.value === undefined && <Quiet>Verifying …</Quiet>}
      {found !== undefined && (
        <>
          <p class="line">
            <StateMark {...auditMarks[found.verdict]} /> {found.entries} entries, {found.runs} runs,{" "}
            {found.events} events
          </p>
          {found.unknown !== undefined && <p>{found.unknown}</p>}
          {found.problems.map((text) => (
            <p key={text} class="red">
              <span aria-hidden="true">✗ </span>
              {text}
            </p>
          ))}
        </>
      )}
    </Panel>
  );
}

function Users({ users: { value, problem } }: { users: Resource<{ users: UserResource[] }> }) {
  return (
    <Panel title="People" aside="changed with tminus user">
      <Problem error={problem.value} />
      {value.value !== undefined && (
        <div class="scroll" tabIndex={0} role="region" aria-label="Table of people">
          <table>
            <thead>
              <tr>
                <th scope="col">name</th>
                <th scope="col">roles</th>
                <th scope="col">emails</th>
                <th scope="col">since</th>
              </tr>
            </thead>
            <tbody>
              {value.value.users.map(({ name, roles, emails, createdAt, disabledAt }) => (
                <tr key={name}>
                  <td>
                    {name} {disabledAt !== undefined && <span class="badge">disabled</span>}
                  </td>
                  <td>{roles.join(", ")}</td>
                  <td>{emails.join(", ")}</td>
                  <td>
                    <Time at={createdAt} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Panel>
  );
}

function Tokens({ tokens: { value, problem } }: { tokens: Resource<{ tokens: TokenResource[] }> }) {
  return (
    <Panel title="Tokens" aside="changed with tminus token">
      <Problem error={problem.value} />
      {value.value?.tokens.length === 0 && <Quiet>None.</Quiet>}
      {value.value !== undefined && value.value.tokens.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-label="Table of tokens">
          <table>
            <thead>
              <tr>
                <th scope="col">name</th>
                <th scope="col">owner</th>
                <th scope="col">roles</th>
                <th scope="col">last used</th>
                <th scope="col">expires</th>
              </tr>
            </thead>
            <tbody>
              {value.value.tokens.map(
                ({ id, name, owner, kind, roles, lastUsedAt, expiresAt, revokedAt }) => (
                  <tr key={id}>
                    <td>
                      {name} {kind === "agent" && <span class="badge">agent</span>}{" "}
                      {revokedAt !== undefined && <span class="badge">revoked</span>}
                    </td>
                    <td>{owner}</td>
                    <td>{roles.join(", ")}</td>
                    <td>{lastUsedAt === undefined ? "never" : <Time at={lastUsedAt} />}</td>
                    <td>
                      <Time at={expiresAt} />
                    </td>
                  </tr>
                ),
              )}
            </tbody>
          </table>
        </div>
      )}
    </Panel>
  );
}
