import { defineConfig } from "vite";

// The built files ship in the wheel; `npm run dev` passes calls on to a server that runs.
export default defineConfig({
  build: {
    outDir: "../platform/stemwright_platform/serving/studio",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
  },
  server: { proxy: { "/v1": "http://127.0.0.1:8000", "/healthz": "http://127.0.0.1:8000" } },
});
