import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { story } from "./runner";

story("A-3 the code of the first screen is within its budget", async () => {
  const { stdout } = await promisify(execFile)("node", ["scripts/size.mjs"], { cwd: join(process.env.E2E_ROOT!, "web") });
  console.log(stdout.trim().replaceAll(/^/gm, "  "));
});
