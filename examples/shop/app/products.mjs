import { HttpError } from "./http-error.mjs";
import { sendJson } from "./respond.mjs";
import { page, productId } from "./validate.mjs";

/** The catalogue. `features.badges` needs the column products.badge; `features.availability` is asked for the stock to show. */
export function productRoutes({ database, features }) {
  const columns = `id, name, price_cents, stock${features.badges ? ", badge" : ""}`;
  return [
    ["GET /api/products", list],
    ["GET /api/products/:id", one],
  ];

  async function list({ response, search }) {
    const { limit, after } = page(search);
    const { rows } = await database.query(
      "product-list",
      `SELECT ${columns} FROM products WHERE id > $1 ORDER BY id LIMIT $2`,
      [after, limit],
    );
    const next = rows.length === limit ? rows.at(-1).id : null;
    sendJson(response, 200, { products: await shown(rows), next });
  }

  async function one({ response, params }) {
    const id = productId(params.id);
    const { rows } =
      id === undefined
        ? { rows: [] }
        : await database.query("product-one", `SELECT ${columns} FROM products WHERE id = $1`, [id]);
    if (rows.length === 0) throw new HttpError(404, "not_found", "there is no such product");
    const [product] = await shown(rows);
    sendJson(response, 200, { product });
  }

  async function shown(rows) {
    const stock = await features.availability?.(
      rows.map((row) => row.id),
      database,
    );
    return rows.map((row) => ({
      id: row.id,
      name: row.name,
      priceCents: row.price_cents,
      stock: stock?.get(row.id) ?? row.stock,
      ...(features.badges ? { badge: row.badge } : {}),
    }));
  }
}
