// Measures the code that the first screen needs, as it travels. Fails above the budget.

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const FIRST_SCREEN_KB = 250;
const ROUTE_KB = 100;
const dist = join(dirname(dirname(fileURLToPath(import.meta.url))), "dist");
const manifest = JSON.parse(readFileSync(join(dist, ".vite/manifest.json"), "utf8"));

function files(name, found = new Set()) {
  const { file, css = [], imports = [] } = manifest[name];
  if (found.has(file)) return found;
  found.add(file);
  css.forEach((it) => found.add(it));
  imports.forEach((it) => files(it, found));
  return found;
}

const kilobytes = (names) => [...names].reduce((sum, it) => sum + gzipSync(readFileSync(join(dist, it))).length, 0) / 1000;

const shell = files("index.html");
// Home is what is shown first to whoever is signed in.
const first = new Set([...shell, ...files("src/pages/home/show.tsx")]);
const routes = Object.keys(manifest).filter((it) => it.startsWith("src/pages/") && manifest[it].isDynamicEntry);
const rows = routes.map((it) => [it, kilobytes([...files(it)].filter((file) => !shell.has(file))), ROUTE_KB]);
rows.unshift(["first screen", kilobytes(first), FIRST_SCREEN_KB]);

for (const [name, size, budget] of rows) console.log(`${size.toFixed(1).padStart(7)} of ${budget} KB  ${name}`);
if (rows.some(([, size, budget]) => budget < size)) {
  console.error("too large");
  process.exit(1);
}
