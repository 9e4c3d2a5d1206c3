import { customerOf, newCode, statement } from "./releases.ts";
import type { Owner, Release, Write } from "./writers.ts";

/** SQL of a release that knows one more column of customers: it inserts with it, and updates it in its own rows. */
export function writesColumn(column: string, valueOf: (owner: Owner) => string = newValue): Release {
  const insert = (owner: Owner): Write => {
    const code = newCode(owner);
    const [name, value] = [`Name ${code}`, valueOf(owner)];
    return {
      statements: [
        statement(`insert into customers (code, name, ${column}) values ($1, $2, $3)`, [code, name, value]),
      ],
      landed: { text: "select 1 from customers where code = $1", values: [code] },
      acknowledge(journal, { marked }) {
        journal.customers.set(code, { name, visits: 0, phone: null, legacy: null });
        journal.extras.set(code, value);
        marked.push(code);
      },
    };
  };
  const update = (owner: Owner): Write => {
    const code = owner.marked[owner.next % owner.marked.length];
    if (code === undefined) return insert(owner);
    const value = valueOf(owner);
    return {
      statements: [
        statement(`update customers set ${column} = $2, visits = visits + 1 where code = $1`, [code, value]),
      ],
      landed: { text: `select 1 from customers where code = $1 and ${column} = $2`, values: [code, value] },
      acknowledge(journal) {
        customerOf(journal, code).visits++;
        journal.extras.set(code, value);
      },
    };
  };
  return [insert, update];
}

/** SQL of a release that calls a column by another name: what it writes is in `field` for the old one. */
export function writesUnderNewName(column: string, field: "name" | "phone" | "legacy"): Release {
  const other = field === "name" ? "phone" : "name";
  const insert = (owner: Owner): Write => {
    const code = newCode(owner);
    const [value, rest] = [`New ${code}`, `Rest ${code}`];
    return {
      statements: [
        statement(`insert into customers (code, ${column}, ${other}) values ($1, $2, $3)`, [
          code,
          value,
          rest,
        ]),
      ],
      landed: { text: "select 1 from customers where code = $1", values: [code] },
      acknowledge(journal, { customers }) {
        const blank = { name: "", visits: 0, phone: null, legacy: null };
        journal.customers.set(code, { ...blank, [other]: rest, [field]: value });
        customers.push(code);
      },
    };
  };
  const update = (owner: Owner): Write => {
    const code = owner.customers[owner.next % owner.customers.length];
    if (code === undefined) return insert(owner);
    const value = `New ${owner.id} ${owner.next}`;
    return {
      statements: [statement(`update customers set ${column} = $2 where code = $1`, [code, value])],
      landed: { text: `select 1 from customers where code = $1 and ${column} = $2`, values: [code, value] },
      acknowledge: (journal) => void (customerOf(journal, code)[field] = value),
    };
  };
  return [insert, update];
}

function newValue(owner: Owner): string {
  return `v-${newCode(owner)}`;
}
