import type { Transform } from "node:stream";
import * as zlib from "node:zlib";
import type { BackupManifest } from "./manifest.ts";

type Compression = BackupManifest["compression"];

/** Zstandard came to Node in 22.15. */
export const COMPRESSION: Compression = "createZstdCompress" in zlib ? "zstd" : "gzip";

export const SUFFIX: Readonly<Record<Compression, string>> = { zstd: "zst", gzip: "gz" };

const CHUNK_BYTES = 256 * 1024;
/** So much is ready before it is asked for: the database should not wait for one chunk at a time. */
const AHEAD_BYTES = 4 * CHUNK_BYTES;

const BUFFERS = { chunkSize: CHUNK_BYTES, highWaterMark: AHEAD_BYTES };

/** The fastest level: a dump should be limited by the database. Carries a checksum of its own. */
export function compressor(): Transform {
  if (COMPRESSION === "gzip") return zlib.createGzip({ level: 1, ...BUFFERS });
  const { ZSTD_c_compressionLevel, ZSTD_c_checksumFlag } = zlib.constants;
  return zlib.createZstdCompress({
    ...BUFFERS,
    params: { [ZSTD_c_compressionLevel]: 1, [ZSTD_c_checksumFlag]: 1 },
  });
}

export function decompressor(compression: Compression): Transform {
  return compression === "gzip" ? zlib.createGunzip(BUFFERS) : zlib.createZstdDecompress(BUFFERS);
}
