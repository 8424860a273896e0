import react from "@vitejs/plugin-react";
import tailwind from "@tailwindcss/vite";
import { defineConfig, type Plugin } from "vite";

/** Keeps what is put to `/memory/…` while developing without a backend: the file store of the in-memory services. */
function memory(): Plugin {
  const files = new Map<string, { type: string; body: Buffer }>();
  return {
    name: "memory",
    configureServer: ({ middlewares }) => {
      middlewares.use("/memory/", (request, response) => {
        const name = request.url ?? "";
        if (request.method === "PUT") {
          const pieces: Buffer[] = [];
          request.on("data", (piece: Buffer) => pieces.push(piece));
          request.on("end", () => {
            files.set(name, { type: request.headers["content-type"] ?? "", body: Buffer.concat(pieces) });
            response.setHeader("etag", `"${files.size}"`).end();
          });
          return;
        }
        const file = files.get(name);
        if (!file) return void response.writeHead(404).end();
        response.setHeader("content-type", file.type).end(file.body);
      });
    },
  };
}

// `npm run dev` answers by itself; `VITE_API=gateway npm run dev` asks the gateway at GATEWAY_URL.
export default defineConfig(({ command }) => {
  const api = process.env.VITE_API ?? (command === "serve" ? "memory" : "gateway");
  const gateway = process.env.GATEWAY_URL ?? "http://127.0.0.1:8080";
  return {
    plugins: [react(), tailwind(), memory()],
    resolve: { alias: { "~": new URL("./src", import.meta.url).pathname } },
    define: { "import.meta.env.VITE_API": JSON.stringify(api) },
    build: { target: "es2022", manifest: true, sourcemap: false, assetsInlineLimit: 0 },
    server: {
      // The gateway is asked under the name of the page, so that it takes the page for its own.
      proxy: { "^/(sartiq\\.|files/|exports/[^/]+/download)": { target: gateway, changeOrigin: false } },
    },
  };
});
