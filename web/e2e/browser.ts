import { chromium, type Browser } from "playwright-core";

const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];
let running: Promise<Browser> | undefined;

/** The system's own Chromium, started once. Nothing is downloaded. */
export function browser(): Promise<Browser> {
  running ??= chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", headless: true, args: FLAGS });
  return running;
}

export async function quit(): Promise<void> {
  await (await running)?.close();
}
