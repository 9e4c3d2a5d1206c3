const windowMs = 2_000;
const maxWaiting = 5_000;

/** Stock of the given products, as a Map. Requests that come close together share one query instead of asking for each. */
export function createAvailability() {
  let batch;
  return function availability(ids, database) {
    if (batch === undefined || batch.waiting >= maxWaiting) batch = openBatch(database);
    batch.waiting += 1;
    for (const id of ids) batch.ids.add(id);
    return batch.stock;
  };

  function openBatch(database) {
    const opened = { ids: new Set(), waiting: 0 };
    opened.stock = new Promise((resolve) => setTimeout(resolve, windowMs)).then(() => {
      if (batch === opened) batch = undefined;
      return readStock([...opened.ids], database);
    });
    return opened;
  }
}

async function readStock(ids, database) {
  const { rows } = await database.query(
    "availability",
    "SELECT id, stock FROM products WHERE id = ANY ($1::int[])",
    [ids],
  );
  return new Map(rows.map((row) => [row.id, row.stock]));
}
