/**
 * Runs `work` on the items with several workers at once; each worker is opened once and takes the next item that
 * is ready when it is through with one, and waits for the others while none is: an item that never gets ready is a
 * defect. When one fails the others are told by the signal, and the first failure is thrown.
 */
export async function shareOut<Item>(
  items: readonly Item[],
  workers: number,
  outer: AbortSignal | undefined,
  open: (
    signal: AbortSignal,
    takeAll: (work: (item: Item) => Promise<void>) => Promise<void>,
  ) => Promise<void>,
  isReady: (item: Item) => boolean = () => true,
): Promise<void> {
  const stopping = new AbortController();
  const signal = outer === undefined ? stopping.signal : AbortSignal.any([outer, stopping.signal]);
  const left = [...items];
  let running = 0;
  let waiting: (() => void)[] = [];
  const wake = (): void => {
    for (const goOn of waiting) goOn();
    waiting = [];
  };
  let first: unknown;
  const failed = (error: unknown): void => {
    if (!stopping.signal.aborted) first = error;
    stopping.abort(new Error("another worker failed"));
    wake();
  };
  const takeAll = async (work: (item: Item) => Promise<void>): Promise<void> => {
    while (left.length > 0) {
      signal.throwIfAborted();
      const next = left.findIndex(isReady);
      if (next >= 0) {
        const [item] = left.splice(next, 1);
        running++;
        // Told before the worker closes: the others must not take what is missing then for the failure.
        await work(item!)
          .catch(failed)
          .finally(() => running--);
        signal.throwIfAborted();
        wake();
      } else if (running === 0) {
        throw new Error("none of the items that are left is ready");
      } else {
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
    }
  };
  const count = Math.min(workers, items.length);
  await Promise.all(Array.from({ length: count }, () => open(signal, takeAll).catch(failed)));
  outer?.throwIfAborted();
  if (stopping.signal.aborted) throw first;
}
