import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Stage } from "./stage";

/** How many stories are told at once. Each has an organization and browser contexts of its own. */
const AT_ONCE = Number(process.env.E2E_AT_ONCE ?? 3);
const PATIENCE_MS = 180_000;

interface Story { name: string; tell: (stage: Stage) => Promise<void>; isAlone: boolean }
const stories: Story[] = [];

/** What happened to somebody: its name begins with the id that the specification gives it. */
export function story(name: string, tell: Story["tell"]): void {
  stories.push({ name, tell, isAlone: false });
}

/** The same for what others would notice, such as a vendor that refuses everything, and for what is measured: it is told when they have ended. */
export function storyAlone(name: string, tell: Story["tell"]): void {
  stories.push({ name, tell, isAlone: true });
}

function within<T>(work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it took longer than ${PATIENCE_MS / 1_000} s`)), PATIENCE_MS);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

async function tellOne({ name, tell }: Story, folder: string): Promise<boolean> {
  const begun = Date.now();
  const stage = new Stage();
  try {
    await within(tell(stage));
    stage.check();
    console.log(`ok ${name} (${((Date.now() - begun) / 1_000).toFixed(1)} s)`);
    return true;
  } catch (error) {
    const id = name.split(" ")[0] ?? name;
    const pictures = await stage.photograph(join(folder, id)).catch(() => []);
    console.log(`not ok ${name}: ${error instanceof Error ? error.stack : String(error)}`);
    for (const line of [...stage.complaints(), ...pictures]) console.log(`  ${line}`);
    return false;
  } finally {
    await stage.close().catch(() => undefined);
  }
}

/** Tells all stories that have `filter` in their name, and prints how many held. */
export async function run(filter: string, folder: string): Promise<boolean> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const chosen = stories.filter((it) => it.name.includes(filter));
  const waiting = chosen.filter((it) => !it.isAlone);
  let passed = 0;
  const teller = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const isWell = await tellOne(next, folder);
      passed += Number(isWell);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, teller));
  waiting.push(...chosen.filter((it) => it.isAlone));
  await teller();
  console.log(`${passed} passed, ${chosen.length - passed} failed`);
  return passed === chosen.length && passed > 0;
}
