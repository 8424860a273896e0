// Writes src/api/gen from the contract in ../proto. Needs no network.
// Does nothing if what is there is newer than the contract.

import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const web = dirname(dirname(fileURLToPath(import.meta.url)));
const contract = join(web, "../proto");
const stamp = join(web, "src/api/gen/google/rpc/error_details_pb.ts");

function newest(folder) {
  const entries = readdirSync(folder, { withFileTypes: true });
  const times = entries.map((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? newest(path) : statSync(path).mtimeMs;
  });
  return Math.max(0, ...times);
}

const sources = [contract, join(web, "proto")].map(newest);
sources.push(statSync(join(web, "buf.gen.yaml")).mtimeMs);
if (!existsSync(stamp) || statSync(stamp).mtimeMs < Math.max(...sources)) {
  execFileSync(join(web, "node_modules/.bin/buf"), ["generate"], { cwd: web, stdio: "inherit" });
}
