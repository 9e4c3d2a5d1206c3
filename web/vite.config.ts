import { defineConfig } from "vite";

/** One page, its script and its style: nothing is put inline, so that the server's policy can refuse what is. */
export default defineConfig({
  root: import.meta.dirname,
  // As it is published, also where tests build it.
  define: { "process.env.NODE_ENV": '"production"' },
  oxc: { jsx: { runtime: "automatic", importSource: "preact", development: false } },
  build: {
    outDir: "dist",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
