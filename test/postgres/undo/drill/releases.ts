import type { Customer, Journal } from "./journal.ts";
import { HOT, SEEDS } from "./journal.ts";
import type { Owner, Release, Statement, Write } from "./writers.ts";

/** Owners never drop below this many customers. */
const KEPT = 40;

/** Owners with the ids from `first` on. The first ones share the rows that were there before. */
export function makeOwners(first: number, count: number, share: boolean): Owner[] {
  const seeds = share ? Array.from({ length: SEEDS }, (_, index) => `s-${index + 1}`) : [];
  return Array.from({ length: count }, (_, index) => ({
    id: first + index,
    next: index,
    customers: seeds.filter((_, seed) => seed % count === index),
    marked: [],
    orders: [],
  }));
}

/** SQL that fits the schema before and after every kind of operation. */
export const OLD_RELEASE: Release = [
  insert,
  update,
  orderOfHot,
  upsert,
  payOrder,
  remove,
  update,
  orderOfHot,
];

const LANDED_NAME = "select 1 from customers where code = $1 and name = $2";

export function statement(text: string, values: unknown[]): Statement {
  return { name: nameOf(text), text, values };
}

export function newCode({ id, next }: Owner): string {
  return `w${id}-${next}`;
}

export function customerOf(journal: Journal, code: string): Customer {
  return journal.customers.get(code)!;
}

function insert(owner: Owner): Write {
  const code = newCode(owner);
  const [name, phone] = [`Name ${code}`, `p-${code}`];
  return {
    statements: [
      statement("insert into customers (code, name, phone) values ($1, $2, $3)", [code, name, phone]),
    ],
    landed: { text: LANDED_NAME, values: [code, name] },
    acknowledge(journal, { customers }) {
      journal.customers.set(code, { name, visits: 0, phone, legacy: null });
      customers.push(code);
    },
  };
}

function update(owner: Owner): Write {
  const code = owner.customers[owner.next % owner.customers.length];
  if (code === undefined) return insert(owner);
  const name = `Renamed ${owner.id} ${owner.next}`;
  return {
    statements: [
      statement("update customers set name = $2, visits = visits + 1 where code = $1", [code, name]),
    ],
    landed: { text: LANDED_NAME, values: [code, name] },
    acknowledge(journal) {
      const customer = customerOf(journal, code);
      customer.name = name;
      customer.visits++;
    },
  };
}

/** Over two tables; all clients count in the same few rows. */
function orderOfHot(owner: Owner): Write {
  const ref = newCode(owner);
  const customer = `hot-${(owner.next % HOT) + 1}`;
  const amount = owner.next % 100;
  return {
    statements: [
      statement("update customers set visits = visits + 1 where code = $1", [customer]),
      statement("insert into orders (ref, customer_code, amount) values ($1, $2, $3)", [
        ref,
        customer,
        amount,
      ]),
    ],
    landed: { text: "select 1 from orders where ref = $1", values: [ref] },
    acknowledge(journal, { orders }) {
      customerOf(journal, customer).visits++;
      journal.orders.set(ref, { customer, amount, state: "new" });
      orders.push(ref);
    },
  };
}

function upsert(owner: Owner): Write {
  const known = owner.next % 3 === 0 ? undefined : owner.customers[(owner.next * 7) % owner.customers.length];
  const code = known ?? newCode(owner);
  const name = `Upserted ${owner.id} ${owner.next}`;
  return {
    statements: [
      statement(
        "insert into customers (code, name) values ($1, $2) on conflict (code) do update set name = excluded.name, visits = customers.visits + 1",
        [code, name],
      ),
    ],
    landed: { text: LANDED_NAME, values: [code, name] },
    acknowledge(journal, { customers }) {
      const there = journal.customers.get(code);
      if (there === undefined) {
        journal.customers.set(code, { name, visits: 0, phone: null, legacy: null });
        customers.push(code);
      } else {
        there.name = name;
        there.visits++;
      }
    },
  };
}

function payOrder(owner: Owner): Write {
  const ref = owner.orders.at(-1);
  if (ref === undefined) return orderOfHot(owner);
  return {
    statements: [statement("update orders set state = 'paid' where ref = $1", [ref])],
    landed: { text: "select 1 from orders where ref = $1 and state = 'paid'", values: [ref] },
    acknowledge(journal, { orders }) {
      journal.orders.get(ref)!.state = "paid";
      orders.pop();
    },
  };
}

function remove(owner: Owner): Write {
  if (owner.customers.length <= KEPT) return insert(owner);
  const code = owner.customers[owner.next % owner.customers.length]!;
  return {
    statements: [statement("delete from customers where code = $1", [code])],
    landed: { text: "select 1 where not exists (select from customers where code = $1)", values: [code] },
    acknowledge(journal, { customers }) {
      journal.customers.delete(code);
      customers.splice(customers.indexOf(code), 1);
    },
  };
}

const names = new Map<string, string>();

/** The same text, the same prepared statement. */
function nameOf(text: string): string {
  const known = names.get(text) ?? `s${names.size}`;
  names.set(text, known);
  return known;
}
