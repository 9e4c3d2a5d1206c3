import { defineConfig, type Plugin } from "vite";

/** The charts are the only script that comes later, and their style is there already: nothing is loaded ahead of it. */
const plainImports: Plugin = {
  name: "plain-imports",
  enforce: "pre",
  load: (id) =>
    id.includes("vite/preload-helper") ? "export const __vitePreload = (load) => load();" : undefined,
};

/** One page, its script and its style: nothing is put inline, so that the server's policy can refuse what is. */
export default defineConfig({
  root: import.meta.dirname,
  plugins: [plainImports],
  // As it is published, also where tests build it.
  define: { "process.env.NODE_ENV": '"production"' },
  oxc: { jsx: { runtime: "automatic", importSource: "preact", development: false } },
  build: {
    outDir: "dist",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: false,
    cssCodeSplit: false,
  },
});
