import pg from "pg";

/** A run that stops at a statement and goes no further. */
export interface Parked {
  /** Resolves with the server's process id when the statement is reached. */
  reached: Promise<number>;
  /** Sends the statement. */
  send(): void;
}

interface Plan {
  texts: string[];
  at: number;
  arrive(pid: number): void;
  send: () => void;
}

const plans = new Map<string, Plan>();
let isInstalled = false;

/** Notes every text that is sent to a database, in order. */
export function listen(database: string): string[] {
  return plan(database, Infinity).texts;
}

/** Holds back the statement with this number, from 0, on its way to a database. */
export function park(database: string, at: number): Parked {
  let arrive: (pid: number) => void = () => undefined;
  const reached = new Promise<number>((resolve) => (arrive = resolve));
  const made = plan(database, at, arrive);
  return { reached, send: () => made.send() };
}

/** Lets everything through again. */
export function forget(database: string): void {
  plans.delete(database);
}

function plan(database: string, at: number, arrive: (pid: number) => void = () => undefined): Plan {
  install();
  const made: Plan = { texts: [], at, arrive, send: () => undefined };
  plans.set(database, made);
  return made;
}

type Query = (this: pg.Client, ...args: unknown[]) => Promise<unknown>;

function install(): void {
  if (isInstalled) return;
  isInstalled = true;
  const prototype = pg.Client.prototype as unknown as { query: Query };
  const original = prototype.query;
  prototype.query = function (...args) {
    const found = plans.get(this.database ?? "");
    if (found === undefined) return original.apply(this, args);
    const index = found.texts.length;
    const [first] = args;
    found.texts.push(typeof first === "string" ? first : ((first as { text?: string }).text ?? ""));
    if (index !== found.at) return original.apply(this, args);
    return new Promise((resolve, reject) => {
      found.send = () => void original.apply(this, args).then(resolve, reject);
      found.arrive((this as unknown as { processID: number }).processID);
    });
  };
}
