import type { Page } from "playwright-core";
import type { Photo } from "./photos";

/** Drops files on the page, all at once, as from a folder of the desktop. */
export async function drop(page: Page, files: Photo[]): Promise<void> {
  // Only a page that can take files listens for them.
  await page.getByRole("button", { name: "Add photos" }).first().waitFor();
  const carried = files.map(({ name, type, bytes }) => ({ name, type, base64: bytes.toString("base64") }));
  const transfer = await page.evaluateHandle((files) => {
    const transfer = new DataTransfer();
    for (const { name, type, base64 } of files) {
      const bytes = Uint8Array.from(atob(base64), (it) => it.charCodeAt(0));
      transfer.items.add(new File([bytes], name, { type }));
    }
    return transfer;
  }, carried);
  for (const event of ["dragenter", "dragover", "drop"]) await page.dispatchEvent("body", event, { dataTransfer: transfer });
}
