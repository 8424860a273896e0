import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { drop } from "./drop";
import { eventually } from "./eventually";
import type { House } from "./house";
import { print, type Photo } from "./photos";
import { story } from "./runner";

const ended = (page: Page, summary: string) =>
  page.getByRole("status").filter({ hasText: `Uploads ended: ${summary}` }).waitFor({ state: "attached", timeout: 60_000 });
const rows = (page: Page, state: string) => page.getByRole("region", { name: "Uploads" }).locator(`li[data-state=${state}]`);

async function productsOf(house: House) {
  return (await house.products.listProducts({ pageSize: 200 })).products;
}

/** Counts the bodies that pages send to the file store. */
function countBodies(page: Page): () => number {
  let count = 0;
  page.on("request", (request) => {
    if (request.method() === "PUT") count += 1;
  });
  return () => count;
}

story("B-02 fifty files are dropped: 45 are stored, and 5 are refused with a reason", async (stage) => {
  const house = await stage.organization();
  const page = await stage.open(house, "/products");
  await page.getByRole("heading", { name: "No products yet" }).waitFor();
  const photos = await print(46);
  const half = photos.pop()!;
  const invalid: Photo[] = [
    { name: "notes.txt", type: "text/plain", bytes: Buffer.from("no picture") },
    { name: "empty.jpg", type: "image/jpeg", bytes: Buffer.alloc(0) },
    { name: "drawing.tiff", type: "image/tiff", bytes: Buffer.from("II*\0") },
    { name: "renamed.png", type: "image/png", bytes: Buffer.from("still no picture, whatever it is called") },
    { name: "halved.jpg", type: "image/jpeg", bytes: half.bytes.subarray(0, half.bytes.length / 2) },
  ];
  // Two of them can be refused only by whoever reads them.
  stage.watch.expect(/UploadService\/CompleteUpload: grpc 3/);
  await drop(page, [...photos.slice(0, 20), ...invalid, ...photos.slice(20)]);
  await ended(page, "45 of 50 files stored, 5 refused");
  assert.equal(await rows(page, "stored").count(), 45);
  assert.equal(await rows(page, "refused").count(), 5);
  for (const [name, reason] of [
    ["notes.txt", /not supported/i], ["empty.jpg", /empty/i], ["drawing.tiff", /not supported/i],
    ["renamed.png", /PNG|picture/i], ["halved.jpg", /cut off/i],
  ] as const) {
    const row = rows(page, "refused").filter({ hasText: name });
    assert.match(await row.innerText(), reason, `${name} says why`);
  }
  const found = await productsOf(house);
  assert.equal(found.length, 45);
  assert.equal(new Set(found.map((it) => it.photos[0]?.mediaId)).size, 45, "each has a photo of its own");
  const tray = page.getByRole("region", { name: "Uploads" });
  await tray.getByRole("heading", { name: "45 of 50 files stored, 5 refused" }).waitFor();
  assert.match(await tray.getByRole("listitem").first().innerText(), /Refused/, "what needs somebody stands first");
  await tray.getByRole("button", { name: "Clear ended" }).click();
  await tray.getByText(/Drop photos/).waitFor();
  await page.reload();
  for (const number of [1, 23, 45]) {
    await page.getByLabel("Search products").fill(`Photo ${number}`);
    await page.getByRole("link", { name: new RegExp(`Photo ${number}\\b`) }).first().waitFor();
  }
});

story("B-05 the same bytes twice: one body is sent, two products have it", async (stage) => {
  const house = await stage.organization();
  const [photo] = await print(1);
  const first = await stage.open(house, "/products");
  const bodies = countBodies(first);
  await drop(first, [{ ...photo!, name: "Monday.jpg" }]);
  await ended(first, "1 of 1 file stored");
  await drop(first, [{ ...photo!, name: "Tuesday.jpg" }]);
  await ended(first, "2 of 2 files stored");
  await rows(first, "stored").filter({ hasText: "Was here already" }).filter({ hasText: "Tuesday" }).waitFor();
  assert.equal(bodies(), 1, "one body is sent");

  // A colleague's browser, which remembers nothing.
  const second = await stage.open(house, "/products");
  const others = countBodies(second);
  await drop(second, [{ ...photo!, name: "Wednesday.jpg" }]);
  await ended(second, "1 of 1 file stored");
  await rows(second, "stored").filter({ hasText: "Was here already" }).waitFor();
  assert.equal(others(), 0, "no body is sent by the second browser");

  const found = await productsOf(house);
  assert.deepEqual(found.map((it) => it.name).sort(), ["Monday", "Tuesday", "Wednesday"]);
  const mediaIds = new Set(found.map((it) => it.photos[0]!.mediaId));
  assert.equal(mediaIds.size, 1, "all have the same media");
  // What uses it is told in the background.
  const attached = async () => (await house.media.listAttachments({ mediaId: [...mediaIds][0]! })).attachments;
  await eventually("an attachment for each", async () => (await attached()).length === 3);
  const entities = (await attached()).map((it) => `${it.entityType} ${it.entityId} ${it.slot}`);
  assert.deepEqual(entities.sort(), found.map((it) => `product ${it.id} front`).sort());

  // In one drop, too: the second waits for the first.
  const [twin] = await print(1);
  await drop(first, [{ ...twin!, name: "Left.jpg" }, { ...twin!, name: "Right.jpg" }]);
  await ended(first, "4 of 4 files stored");
  assert.equal(bodies(), 2, "one more body is sent");
});
