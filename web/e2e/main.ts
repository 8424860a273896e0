import { join } from "node:path";
import { quit } from "./browser";
import "./stories";
import { run } from "./runner";

for (const name of ["GATEWAY_URL", "SANDBOX_URL", "SANDBOX_KEY", "E2E_ROOT"]) {
  if (!process.env[name]) throw new Error(`${name} is not set; e2e/run starts this against a mesh`);
}
const isWell = await run(process.argv[2] ?? "", join(process.env.E2E_ROOT!, "target/e2e"));
await quit();
process.exit(isWell ? 0 : 1);
