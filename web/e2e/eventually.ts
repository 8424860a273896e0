/** Asks again until the answer is yes. */
export async function eventually(what: string, ask: () => boolean | Promise<boolean>, patience = 20_000): Promise<void> {
  for (const end = Date.now() + patience; ; ) {
    if (await ask()) return;
    if (end < Date.now()) throw new Error(`not within ${patience / 1_000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
