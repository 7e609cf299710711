import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { defineConfig, type Plugin } from "vite";

const HERE = import.meta.dirname;
const SOURCES = ["index.html", "openapi.json", "package-lock.json", "package.json", "public", "src", "tsconfig.json", "vite.config.ts"];
const GENERATED = "src/api/schema.d.ts";
/** What is in the bundle and asks for its notice to stand beside it. */
const LIBRARIES = ["preact", "@preact/signals", "@preact/signals-core", "openapi-fetch", "wavesurfer.js"];

function files(path: string): string[] {
  const found = readdirSync(HERE, { withFileTypes: true }).find((each) => each.name === path);
  if (!found?.isDirectory()) return [path];
  const all = readdirSync(join(HERE, path), { recursive: true, withFileTypes: true });
  return all.filter((each) => each.isFile()).map((each) => relative(HERE, join(each.parentPath, each.name)));
}

/** Digest of what it was built from, by which a test without Node sees whether it is stale; and the licences. */
function provenance(): Plugin {
  return {
    name: "provenance",
    generateBundle() {
      const digest = createHash("sha256");
      const names = SOURCES.flatMap(files).filter((name) => name !== GENERATED);
      for (const name of names.sort()) digest.update(`${name}\0`).update(readFileSync(join(HERE, name))).update("\0");
      this.emitFile({ type: "asset", fileName: "built-from.txt", source: `${digest.digest("hex")}\n` });
      const licences = LIBRARIES.map((name) => `${name}\n\n${readFileSync(join(HERE, "node_modules", name, "LICENSE"), "utf8")}`);
      this.emitFile({ type: "asset", fileName: "licences.txt", source: licences.join("\n\n") });
    },
  };
}

// The built files ship in the wheel; `npm run dev` passes calls on to a server that runs.
export default defineConfig({
  plugins: [provenance()],
  build: {
    outDir: process.env.STUDIO_OUT ?? "../platform/stemwright_platform/serving/studio",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    // Names without digests: a build then changes files and never adds or removes one, which a commit could miss.
    rolldownOptions: { output: { entryFileNames: "assets/studio.js", assetFileNames: "assets/studio[extname]" } },
  },
  server: { proxy: { "/v1": "http://127.0.0.1:8000", "/healthz": "http://127.0.0.1:8000" } },
});
