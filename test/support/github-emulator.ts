import type { IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { Octokit } from "@octokit/core";
import type { components } from "@octokit/openapi-types";
import { createEmulator } from "emulate";
import { openFaultServer, passOn, type FaultServer } from "./fault-server.ts";

type Schemas = components["schemas"];
/** As lists have it; a single one says more, as whether it is mergeable. */
type Pull = Schemas["pull-request-simple"];

export const TOKEN = "ghp_do-not-print-me";
export const REPOSITORY = "ann/shop";

/** ann owns the repository; ben, cat and robo may write to it; eve may not. robo is a program. */
const USERS = ["ann", "ben", "cat", "robo", "eve"] as const;
export type User = (typeof USERS)[number];

export interface GithubEmulator extends Pick<FaultServer, "url" | "behave"> {
  /** Every path with its query that was asked for. */
  readonly requests: string[];
  /** GitHub's own client, signed in as somebody. */
  octokit(user?: User): Octokit;
  /** A commit on top of others; of the default branch's head when none are named. Its name is git's own hash. */
  commit(message: string, parents?: readonly string[]): Promise<string>;
  /** Points a branch at a commit. */
  branch(name: string, commit: string): Promise<void>;
  mainHead(): Promise<string>;
  openPull(head: string, base: string, by?: User): Promise<number>;
  mergePull(number: number): Promise<string>;
  /** emulate neither moves the head of a request nor finds conflicts. */
  changePull(number: number, change: { head?: string; mergeable?: boolean | null }): void;
  review(
    number: number,
    by: User,
    event: "APPROVE" | "REQUEST_CHANGES" | "COMMENT",
    commit?: string,
  ): Promise<number>;
  dismiss(number: number, review: number): Promise<void>;
  /** conclusion left out: it still runs. */
  checkRun(commit: string, name: string, conclusion?: string): Promise<void>;
  /** emulate has no commit statuses. */
  status(commit: string, context: string, state: "success" | "pending" | "failure" | "error"): void;
  /** Refuses everything from now on. */
  limit(status: number, headers: Record<string, string>): void;
  /** The commit in git's own form. */
  commitText(commit: string): Promise<string>;
  close(): Promise<void>;
}

/**
 * GitHub by vercel-labs' emulate, with what that lacks in front of it: commit statuses, the pull requests of a commit,
 * 401 and 422, requests that are there already, rate limits, heads that move and conflicts. The shapes of what is added are @octokit/openapi-types'.
 */
export async function openGithubEmulator(): Promise<GithubEmulator> {
  const [owner = "", repo = ""] = REPOSITORY.split("/");
  const place = { owner, repo };
  const emulator = await createEmulator({
    service: "github",
    port: 0,
    seed: {
      tokens: Object.fromEntries(USERS.map((login) => [tokenOf(login), { login, scopes: ["repo"] }])),
      github: {
        users: USERS.map((login) => ({ login })),
        repos: [{ owner, name: repo, auto_init: true, default_branch: "main" }],
      },
    },
  });
  const behind = (user: User): Octokit => new Octokit({ baseUrl: emulator.url, auth: tokenOf(user) });
  const ann = behind("ann");
  for (const username of ["ben", "cat", "robo"])
    await ann.request("PUT /repos/{owner}/{repo}/collaborators/{username}", {
      ...place,
      username,
      permission: "push",
    });

  const changes = new Map<number, { head?: string; mergeable?: boolean | null }>();
  const statuses: { commit: string; status: Schemas["simple-commit-status"] }[] = [];
  const requests: string[] = [];
  let limited: { status: number; headers: Record<string, string> } | undefined;

  const changed = (pull: Pull): Pull => {
    const { head, mergeable } = changes.get(pull.number) ?? {};
    return {
      ...pull,
      head: { ...pull.head, sha: head ?? pull.head.sha },
      ...(mergeable === undefined ? {} : { mergeable }),
    };
  };
  const isThere = async (commit: string): Promise<boolean> => {
    const route = "GET /repos/{owner}/{repo}/git/commits/{commit_sha}";
    const found = await ann.request(route, { ...place, commit_sha: commit }).catch(() => undefined);
    return found?.status === 200;
  };
  /** https://docs.github.com/en/rest/commits/commits#list-pull-requests-associated-with-a-commit */
  const pullsOf = async (commit: string): Promise<Pull[]> => {
    const listed = await ann.request("GET /repos/{owner}/{repo}/pulls", {
      ...place,
      state: "all",
      per_page: 100,
    });
    const all = listed.data.map(changed);
    const merged = all.filter(
      ({ merge_commit_sha, merged_at, base }) =>
        merged_at !== null && base.ref === "main" && merge_commit_sha === commit,
    );
    return merged.length > 0
      ? merged
      : all.filter(({ state, head }) => state === "open" && head.sha === commit);
  };
  /** https://docs.github.com/en/rest/pulls/pulls#create-a-pull-request */
  const whyInvalid = async ({ head, base }: { head: string; base: string }): Promise<object | undefined> => {
    const invalid = { resource: "PullRequest", field: "head", code: "invalid" };
    const found = await ann
      .request("GET /repos/{owner}/{repo}/git/ref/{ref}", { ...place, ref: `heads/${head}` })
      .catch(() => undefined);
    if (found === undefined) return invalid;
    const listed = await ann.request("GET /repos/{owner}/{repo}/pulls", { ...place, per_page: 100 });
    const isOpen = listed.data.some((pull) => pull.head.ref === head && pull.base.ref === base);
    const message = `A pull request already exists for ${owner}:${head}.`;
    return isOpen ? { resource: "PullRequest", code: "custom", message } : undefined;
  };
  const combined = (commit: string, url: URL): Partial<Schemas["combined-commit-status"]> => {
    const own = statuses.filter((item) => item.commit === commit).map(({ status }) => status);
    const bad = own.some(({ state }) => state === "failure" || state === "error");
    return {
      state: bad
        ? "failure"
        : own.length === 0 || own.some(({ state }) => state === "pending")
          ? "pending"
          : "success",
      sha: commit,
      total_count: own.length,
      statuses: pageOf(url, own),
    };
  };

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? "/", "http://host");
    requests.push(request.url ?? "");
    const answer = (status: number, body: unknown, headers: Record<string, string> = {}): void => {
      response.writeHead(status, { "content-type": "application/json", ...headers });
      response.end(JSON.stringify(body));
    };
    if (limited !== undefined)
      return answer(limited.status, { message: "API rate limit exceeded" }, limited.headers);
    const [scheme = "", token = ""] = (request.headers.authorization ?? "").split(" ");
    if (!/^(bearer|token)$/i.test(scheme) || !USERS.some((user) => tokenOf(user) === token))
      return answer(401, { message: "Bad credentials" });
    const [, commit, what] = /\/commits\/([^/]+)\/(pulls|status|check-runs)$/.exec(url.pathname) ?? [];
    if (commit !== undefined && !(await isThere(commit)))
      return answer(422, { message: `No commit found for SHA: ${commit}` });
    if (commit !== undefined && what === "pulls") return answer(200, await pullsOf(commit));
    if (commit !== undefined && what === "status") return answer(200, combined(commit, url));
    if (request.method === "POST" && url.pathname.endsWith("/pulls")) {
      const wanted = JSON.parse(await text(request)) as {
        head: string;
        base: string;
        title: string;
        body: string;
      };
      const why = await whyInvalid(wanted);
      if (why !== undefined) return answer(422, { message: "Validation Failed", errors: [why] });
      const by = USERS.find((user) => tokenOf(user) === token)!;
      const made = await behind(by).request("POST /repos/{owner}/{repo}/pulls", { ...place, ...wanted });
      return answer(201, made.data);
    }
    passOn(emulator.url, (body) => edited(url, body, changed))(request, response);
  };
  const server = await openFaultServer({
    serve: (request, response) => void serve(request, response),
    faults: {},
    malformed: '[{"number": 1, "ti',
  });
  const mainHead = async (): Promise<string> => {
    const found = await ann.request("GET /repos/{owner}/{repo}/git/ref/{ref}", {
      ...place,
      ref: "heads/main",
    });
    return found.data.object.sha;
  };
  return {
    ...server,
    requests,
    octokit: (user = "ann") => new Octokit({ baseUrl: server.url, auth: tokenOf(user) }),
    mainHead,
    async commit(message, parents) {
      const tree = await ann.request("POST /repos/{owner}/{repo}/git/trees", {
        ...place,
        tree: [{ path: "file.txt", mode: "100644", type: "blob", content: message }],
      });
      const author = { name: "t", email: "t@example.com", date: "2026-01-05T09:00:00Z" };
      const made = await ann.request("POST /repos/{owner}/{repo}/git/commits", {
        ...place,
        message,
        tree: tree.data.sha,
        parents: [...(parents ?? [await mainHead()])],
        author,
        committer: author,
      });
      return made.data.sha;
    },
    async branch(name, sha) {
      const ref = `heads/${name}`;
      const exists = await ann.request("GET /repos/{owner}/{repo}/git/ref/{ref}", { ...place, ref }).then(
        () => true,
        () => false,
      );
      if (exists)
        await ann.request("PATCH /repos/{owner}/{repo}/git/refs/{ref}", { ...place, ref, sha, force: true });
      else await ann.request("POST /repos/{owner}/{repo}/git/refs", { ...place, ref: `refs/${ref}`, sha });
    },
    async openPull(head, base, by = "ann") {
      const title = `Bring ${head}`;
      const made = await behind(by).request("POST /repos/{owner}/{repo}/pulls", {
        ...place,
        head,
        base,
        title,
      });
      return made.data.number;
    },
    async mergePull(number) {
      const pull = await ann.request("GET /repos/{owner}/{repo}/pulls/{pull_number}", {
        ...place,
        pull_number: number,
      });
      const merged = await ann.request("PUT /repos/{owner}/{repo}/pulls/{pull_number}/merge", {
        ...place,
        pull_number: number,
        sha: pull.data.head.sha,
      });
      return merged.data.sha;
    },
    changePull: (number, change) => void changes.set(number, { ...changes.get(number), ...change }),
    async review(number, by, event, commit) {
      const made = await behind(by).request("POST /repos/{owner}/{repo}/pulls/{pull_number}/reviews", {
        ...place,
        pull_number: number,
        event,
        body: "looked at",
        ...(commit === undefined ? {} : { commit_id: commit }),
      });
      return Number(made.data.id);
    },
    async dismiss(number, review) {
      await ann.request("PUT /repos/{owner}/{repo}/pulls/{pull_number}/reviews/{review_id}/dismissals", {
        ...place,
        pull_number: number,
        review_id: review,
        message: "no longer",
      });
    },
    async checkRun(commit, name, conclusion) {
      await ann.request("POST /repos/{owner}/{repo}/check-runs", {
        ...place,
        name,
        head_sha: commit,
        ...(conclusion === undefined ? { status: "in_progress" } : { status: "completed", conclusion }),
      } as never);
    },
    status(commit, context, state) {
      const id = statuses.length + 1;
      const now = new Date().toISOString();
      const url = `${server.url}/repos/${REPOSITORY}/statuses/${commit}`;
      statuses.push({
        commit,
        status: {
          id,
          node_id: `status-${id}`,
          url,
          avatar_url: null,
          context,
          state,
          description: null,
          target_url: null,
          created_at: now,
          updated_at: now,
        },
      });
    },
    limit: (status, headers) => void (limited = { status, headers }),
    async commitText(commit) {
      const { data } = await ann.request("GET /repos/{owner}/{repo}/git/commits/{commit_sha}", {
        ...place,
        commit_sha: commit,
      });
      const who = (
        role: string,
        { name, email, date }: { name: string; email: string; date: string },
      ): string => `${role} ${name} <${email}> ${Math.floor(Date.parse(date) / 1000)} +0000`;
      const parents = data.parents.map(({ sha }) => `parent ${sha}`);
      const head = [
        `tree ${data.tree.sha}`,
        ...parents,
        who("author", data.author),
        who("committer", data.committer),
      ];
      return `${head.join("\n")}\n\n${data.message}\n`;
    },
    async close() {
      await server.close();
      await emulator.close();
    },
  };
}

function tokenOf(user: string): string {
  return user === "ann" ? TOKEN : `${TOKEN}-${user}`;
}

/** emulate does not page check runs. Pull requests as they were changed, and robo as the program that it is. */
function edited(url: URL, body: string, changed: (pull: Pull) => Pull): string {
  const path = url.pathname;
  if (path.endsWith("/check-runs") && body.startsWith('{"total_count"')) {
    const runs = JSON.parse(body) as { total_count: number; check_runs: Schemas["check-run"][] };
    return JSON.stringify({ ...runs, check_runs: pageOf(url, runs.check_runs) });
  }
  if (/\/pulls\/\d+\/reviews$/.test(path)) {
    const reviews = JSON.parse(body) as Schemas["pull-request-review"][];
    if (!Array.isArray(reviews)) return body;
    for (const { user } of reviews) if (user?.login === "robo") user.type = "Bot";
    return JSON.stringify(reviews);
  }
  if (/\/pulls\/\d+$/.test(path)) return JSON.stringify(changed(JSON.parse(body) as Pull));
  if (path.endsWith("/pulls") && body.startsWith("["))
    return JSON.stringify((JSON.parse(body) as Pull[]).map(changed));
  return body;
}

function pageOf<Item>({ searchParams }: URL, items: readonly Item[]): Item[] {
  const size = Number(searchParams.get("per_page") ?? 30);
  const page = Number(searchParams.get("page") ?? 1);
  return items.slice((page - 1) * size, page * size);
}
