import { readFileSync } from "node:fs";
import { crc32, inflateRawSync } from "node:zlib";
import type { Page } from "playwright-core";

const END = Buffer.from("PK\x05\x06");
const ENTRY = 0x02014b50;
const DEFLATED = 8;

/** Opens a zip as any program does: by the list at its end. Answers the bytes of each file, and fails if one is broken. */
export function unzip(zip: Buffer): Map<string, Buffer> {
  const end = zip.lastIndexOf(END);
  if (end < 0) throw new Error(`no zip: ${zip.subarray(0, 80).toString("latin1")}`);
  const files = new Map<string, Buffer>();
  let at = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left -= 1) {
    if (zip.readUInt32LE(at) !== ENTRY) throw new Error(`the zip has no entry at ${at}`);
    const [method, sum, packed, size] = [zip.readUInt16LE(at + 10), zip.readUInt32LE(at + 16), zip.readUInt32LE(at + 20), zip.readUInt32LE(at + 24)];
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((it) => zip.readUInt16LE(at + it)) as [number, number, number];
    const name = zip.toString("utf8", at + 46, at + 46 + nameLength);
    const head = zip.readUInt32LE(at + 42);
    const start = head + 30 + zip.readUInt16LE(head + 26) + zip.readUInt16LE(head + 28);
    const stored = zip.subarray(start, start + packed);
    const bytes = method === DEFLATED ? inflateRawSync(stored) : stored;
    if (bytes.length !== size || crc32(bytes) !== sum) throw new Error(`${name} is broken in the zip`);
    if (files.has(name)) throw new Error(`${name} is twice in the zip`);
    files.set(name, bytes);
    at += 46 + nameLength + extraLength + commentLength;
  }
  return files;
}

/** Presses Download on the page of an export; answers the file that the browser has saved. */
export async function save(page: Page): Promise<{ name: string; bytes: Buffer }> {
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download", exact: true }).click()]);
  return { name: file.suggestedFilename(), bytes: readFileSync(await file.path()) };
}
