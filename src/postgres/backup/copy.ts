import { Readable } from "node:stream";
import type pg from "pg";
import type { ProtocolQuery, Session } from "../session/connect.ts";

/** Small messages are gathered to about this size: the server sends one for every row. */
const CHUNK_BYTES = 256 * 1024;

/** Sees every row that a COPY sends, before it goes on, and how many the server says it sent. */
export interface RowWatcher {
  row(message: Uint8Array): void;
  /** What it throws fails the COPY. */
  end(sent: number): void;
}

/**
 * The bytes of `COPY … TO STDOUT`. The stream holds the server back when nobody reads on. It fails with what
 * failed the statement; to give up early, destroy it and close the session.
 */
export function copyOut(session: Session, text: string, watcher: RowWatcher = NOBODY): Readable {
  const query = new CopyOut(text, watcher, true);
  const copy = async (): Promise<void> => {
    watcher.end(await session.submit(query));
    query.stream.push(null);
  };
  copy().catch((error: unknown) => query.stream.destroy(error as Error));
  return query.stream;
}

/** Shows the watcher what `COPY … TO STDOUT` sends, and keeps nothing of it. */
export async function copyThrough(session: Session, text: string, watcher: RowWatcher): Promise<void> {
  watcher.end(await session.submit(new CopyOut(text, watcher, false)));
}

const NOBODY: RowWatcher = { row: () => undefined, end: () => undefined };

/** Sends the bytes of `source` to `COPY … FROM STDIN`; returns how many rows the server took. */
export function copyIn(session: Session, text: string, source: AsyncIterable<Uint8Array>): Promise<number> {
  return session.submit(new CopyIn(text, source));
}

/** What pg gives to a query that speaks the protocol itself; its own types leave these out. */
interface Wire extends pg.Connection {
  sendCopyFromChunk(chunk: Uint8Array): void;
  endCopyFrom(): void;
  sendCopyFail(reason: string): void;
}

abstract class CopyQuery<T> implements ProtocolQuery<T> {
  readonly done: Promise<T>;
  /** Set by pg when a time limit runs, and to be called at the end. */
  callback: ((error: Error | undefined) => void) | undefined;
  protected tag = "";
  #resolve: (value: T) => void = () => undefined;
  #reject: (error: Error) => void = () => undefined;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  protected abstract result(): T;

  submit(connection: pg.Connection): void {
    connection.query(this.#text);
  }

  handleCommandComplete(message: { text: string }): void {
    this.tag = message.text;
  }

  handleReadyForQuery(): void {
    this.callback?.(undefined);
    this.#resolve(this.result());
  }

  handleError(error: Error): void {
    this.callback?.(error);
    this.#reject(error);
  }

  handleRowDescription(): void {}
  handleDataRow(): void {}
  handlePortalSuspended(): void {}
  handleEmptyQuery(): void {}
  handleCopyData(_message: { chunk: Buffer }, _connection: pg.Connection): void {}
  handleCopyInResponse(connection: pg.Connection): void {
    (connection as Wire).sendCopyFail("nothing to send");
  }
}

class CopyOut extends CopyQuery<number> {
  readonly stream: Readable;
  #socket: { pause(): unknown; resume(): unknown } | undefined;
  #buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  #used = 0;
  #isDiscarding = false;
  readonly #watcher: RowWatcher;
  readonly #isKept: boolean;

  constructor(text: string, watcher: RowWatcher, isKept: boolean) {
    super(text);
    this.#watcher = watcher;
    this.#isKept = isKept;
    this.stream = new Readable({
      highWaterMark: 4 * CHUNK_BYTES,
      read: () => void this.#socket?.resume(),
      destroy: (error, callback) => {
        // The server does not see a cancel while it waits for us to read.
        this.#isDiscarding = true;
        this.#socket?.resume();
        callback(error);
      },
    });
  }

  override submit(connection: pg.Connection): void {
    this.#socket = connection.stream;
    super.submit(connection);
  }

  override handleCopyData({ chunk }: { chunk: Buffer }): void {
    if (this.#isDiscarding) return;
    this.#watcher.row(chunk);
    if (!this.#isKept) return;
    if (this.#used + chunk.length > CHUNK_BYTES) this.#flush();
    if (chunk.length > CHUNK_BYTES) return this.#push(Buffer.from(chunk));
    this.#buffer.set(chunk, this.#used);
    this.#used += chunk.length;
  }

  override handleReadyForQuery(): void {
    if (!this.#isDiscarding) this.#flush();
    super.handleReadyForQuery();
  }

  #flush(): void {
    if (this.#used === 0) return;
    this.#push(this.#buffer.subarray(0, this.#used));
    this.#buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    this.#used = 0;
  }

  #push(chunk: Buffer): void {
    if (!this.stream.push(chunk)) this.#socket?.pause();
  }

  protected result(): number {
    return rowsOf(this.tag);
  }
}

class CopyIn extends CopyQuery<number> {
  readonly #source: AsyncIterable<Uint8Array>;
  #hasFailed = false;
  /** What went wrong on our side: more telling than the server's word that the client gave up. */
  #sourceError: Error | undefined;

  constructor(text: string, source: AsyncIterable<Uint8Array>) {
    super(text);
    this.#source = source;
  }

  override handleCopyInResponse(connection: pg.Connection): void {
    void this.#pump(connection as Wire);
  }

  override handleError(error: Error): void {
    this.#hasFailed = true;
    super.handleError(this.#sourceError ?? error);
  }

  async #pump(connection: Wire): Promise<void> {
    try {
      for await (const chunk of this.#source) {
        if (this.#hasFailed) return;
        connection.sendCopyFromChunk(chunk);
        if (connection.stream.writableNeedDrain) await drained(connection);
      }
      if (!this.#hasFailed) connection.endCopyFrom();
    } catch (error) {
      this.#sourceError = error instanceof Error ? error : new Error(String(error));
      connection.sendCopyFail("the source of the rows failed");
    }
  }

  protected result(): number {
    return rowsOf(this.tag);
  }
}

function rowsOf(tag: string): number {
  return Number(/^COPY (\d+)/.exec(tag)?.[1] ?? Number.NaN);
}

/** Also when the connection is gone: then the query fails by itself. */
function drained({ stream }: Wire): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      stream.off("drain", end);
      stream.off("close", end);
      resolve();
    };
    stream.on("drain", end);
    stream.on("close", end);
  });
}
