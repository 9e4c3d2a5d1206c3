/**
 * Runs `work` on the items with several workers at once; each worker is opened once and takes the next item when
 * it is through with one. When one fails the others are told by the signal, and the first failure is thrown.
 */
export async function shareOut<Item>(
  items: readonly Item[],
  workers: number,
  outer: AbortSignal | undefined,
  open: (
    signal: AbortSignal,
    takeAll: (work: (item: Item) => Promise<void>) => Promise<void>,
  ) => Promise<void>,
): Promise<void> {
  const stopping = new AbortController();
  const signal = outer === undefined ? stopping.signal : AbortSignal.any([outer, stopping.signal]);
  let next = 0;
  const takeAll = async (work: (item: Item) => Promise<void>): Promise<void> => {
    while (next < items.length) {
      signal.throwIfAborted();
      await work(items[next++]!);
    }
  };
  let first: unknown;
  const failed = (error: unknown): void => {
    if (!stopping.signal.aborted) first = error;
    stopping.abort(new Error("another worker failed"));
  };
  const count = Math.min(workers, items.length);
  await Promise.all(Array.from({ length: count }, () => open(signal, takeAll).catch(failed)));
  outer?.throwIfAborted();
  if (stopping.signal.aborted) throw first;
}
