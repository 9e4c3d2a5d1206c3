import { InvalidArgumentError, type Command } from "commander";
import { roles, type Role } from "../model/role.ts";
import type { IdentityOptions } from "./identify.ts";
import { collect, durationOf, example, withIdentity, type Run } from "./declare.ts";

/** Who may sign in, and with what. */
export function addPeople(program: Command, run: Run): void {
  addUsers(program, run);
  addTokens(program, run);
}

function addUsers(program: Command, run: Run): void {
  const user = program.command("user").description("the people who can sign in, and their roles");
  const add = user.command("add").argument("<name>", "name, as git has it where that is possible");
  add.description("add a user; the first one is an admin and needs a password or --token");
  withRoles(add)
    .option("--email <address>", "e-mail that their commits have; may be repeated", collect, [])
    .option("--token", "also make a token for them, with their roles, and print it once", false);
  withIdentity(add);
  example(
    add,
    "tminus user add ann --email ann@example.com --role admin --role approver",
    "tminus user add bob --email bob@example.com --role approver --login ann",
  );
  add.action((name: string, options) =>
    run(async (context) => (await import("./commands/people/user.ts")).addUser(context, name, options)),
  );

  const list = user.command("list").description("list the users");
  example(list, "tminus user list", "tminus user list --json");
  list.action(() => run(async (context) => (await import("./commands/people/user.ts")).listUsers(context)));

  const disable = user.command("disable").argument("<name>", "user");
  disable.description("let a user and their tokens sign in no more; their e-mails stay theirs");
  withIdentity(disable);
  example(disable, "tminus user disable bob --login ann");
  disable.action((name: string, options) =>
    run(async (context) =>
      (await import("./commands/people/user.ts")).changeUser(context, name, { disabled: true }, options),
    ),
  );

  const change = user
    .command("roles")
    .argument("<name>", "user")
    .description("give a user exactly these roles");
  withIdentity(withRoles(change));
  example(change, "tminus user roles bob --role approver --role operator --login ann");
  change.action((name: string, { role, ...who }: { role: Role[] } & IdentityOptions) =>
    run(async (context) =>
      (await import("./commands/people/user.ts")).changeUser(context, name, { roles: role }, who),
    ),
  );

  const password = user.command("password").argument("<name>", "user");
  password.description("set a password at the terminal: one's own with --login, or as an admin anybody's");
  withIdentity(password);
  example(password, "tminus user password bob --login bob");
  password.action((name: string, options) =>
    run(async (context) => (await import("./commands/people/user.ts")).setPassword(context, name, options)),
  );
}

function addTokens(program: Command, run: Run): void {
  const token = program
    .command("token")
    .description("tokens with which programs and people act, in TMINUS_TOKEN");
  const create = token.command("create").argument("<name>", "what it is for");
  create.description("make a token and print it once");
  withRoles(create)
    .option("--owner <user>", "whom it stands for; who makes it when left out")
    .option("--agent", "a program decides with it, not a person", false)
    .option(
      "--expires <duration>",
      "how long it is good, at most 366d: 30d, 12h",
      durationOf,
      90 * 86_400_000,
    );
  withIdentity(create);
  example(
    create,
    "tminus token create laptop --role approver --login ann",
    "tminus token create deploy-bot --agent --role operator --expires 30d",
  );
  create.action((name: string, options) =>
    run(async (context) => (await import("./commands/people/token.ts")).createToken(context, name, options)),
  );

  const list = token.command("list").description("list the tokens, never what they are");
  example(list, "tminus token list");
  list.action(() => run(async (context) => (await import("./commands/people/token.ts")).listTokens(context)));

  const revoke = token
    .command("revoke")
    .argument("<id>", "id of the token")
    .description("end a token at once");
  withIdentity(revoke);
  example(revoke, "tminus token revoke k3v9x2m1 --login ann");
  revoke.action((id: string, options) =>
    run(async (context) => (await import("./commands/people/token.ts")).revokeToken(context, id, options)),
  );
}

function withRoles(command: Command): Command {
  return command.option("--role <role>", `${roles.join(", ")}; may be repeated`, collectRole, []);
}

function collectRole(text: string, before: Role[]): Role[] {
  const role = roles.find((one) => one === text);
  if (role === undefined) throw new InvalidArgumentError(`Allowed choices are ${roles.join(", ")}.`);
  return [...before, role];
}
