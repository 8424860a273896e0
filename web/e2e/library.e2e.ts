import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { Product_State } from "~/api/gen/sartiq/catalog/v1/product_pb";
import { ShotTypeService } from "~/api/gen/sartiq/catalog/v1/shot_type_service_pb";
import { SubjectService } from "~/api/gen/sartiq/catalog/v1/subject_service_pb";
import { eventually } from "./eventually";
import { print } from "./photos";
import { story } from "./runner";

const notice = (page: Page, text: string | RegExp) => page.getByRole("status", { name: "Notices" }).getByText(text);

/** Fills the form in the drawer called `title`, and sends it. */
async function fill(page: Page, title: string, fields: Record<string, string>, action = "Create"): Promise<void> {
  const form = page.getByRole("dialog", { name: title });
  for (const [label, value] of Object.entries(fields)) await form.getByLabel(label, { exact: true }).fill(value);
  await form.getByRole("button", { name: action, exact: true }).click();
  await form.waitFor({ state: "detached" });
}

story("L-1 a subject with a portrait, a style, a guideline and a shot type are created and edited on their pages", async (stage) => {
  const house = await stage.organization();
  const page = await stage.open(house, "/subjects");
  const [portrait] = await print(1, "portrait");
  await page.getByRole("button", { name: "New subject" }).first().click();
  const form = page.getByRole("dialog", { name: "New subject" });
  await form.locator("input[type=file]").setInputFiles({ name: portrait!.name, mimeType: portrait!.type, buffer: portrait!.bytes });
  await form.getByRole("img", { name: "Portrait" }).waitFor();
  await fill(page, "New subject", { Name: "Mara Lind", Description: "Late twenties, calm look." });
  await page.getByRole("link", { name: /Mara Lind/ }).click();
  await page.getByRole("img", { name: "Portrait of Mara Lind" }).waitFor();
  await page.getByText("mara-lind", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Edit", exact: true }).click();
  await fill(page, "Edit Mara Lind", { Description: "Early thirties, curls." }, "Save");
  await page.getByText("Early thirties, curls.").waitFor();
  // What is taken is said where it was written, and what was written stays.
  await page.goto("/subjects");
  await page.getByRole("button", { name: "New subject" }).click();
  stage.watch.expect(/CreateSubject: grpc 6/);
  const twin = page.getByRole("dialog", { name: "New subject" });
  await twin.getByLabel("Name", { exact: true }).fill("Mara Lind");
  await twin.getByRole("button", { name: "Create", exact: true }).click();
  await twin.getByText(/another handle|handle.*taken|already/i).first().waitFor();
  assert.equal(await twin.getByLabel("Name", { exact: true }).inputValue(), "Mara Lind");
  await page.keyboard.press("Escape");
  const { subjects } = await house.client(SubjectService).listSubjects({});
  assert.equal(subjects.length, 1);
  assert.notEqual(subjects[0]!.portraitMediaId, "");

  await page.goto("/library/styles");
  await page.getByRole("button", { name: "New style" }).click();
  await fill(page, "New style", { Name: "Daylight", Prompt: "Honest colour.", Background: "plain grey" });
  await page.getByRole("button", { name: "Daylight", exact: true }).click();
  await fill(page, "Edit Daylight", { Name: "Noon" }, "Save");
  await page.getByRole("row", { name: /Noon.*Honest colour.*plain grey/ }).waitFor();

  await page.getByRole("navigation", { name: "Library" }).getByRole("link", { name: "Guidelines" }).click();
  await page.getByRole("button", { name: "New guideline" }).click();
  await fill(page, "New guideline", { Name: "House rules", Rules: "No jewellery.\nThe logo is visible." });
  await page.getByRole("row", { name: /House rules.*2 rules/ }).waitFor();
  await page.getByRole("button", { name: "House rules", exact: true }).click();
  await fill(page, "Edit House rules", { Rules: "No jewellery." }, "Save");
  await page.getByRole("row", { name: /House rules.*1 rule/ }).waitFor();

  // A shot type of the system set is the pattern of an own one.
  await page.getByRole("navigation", { name: "Library" }).getByRole("link", { name: "Shot types" }).click();
  const system = page.getByRole("row").filter({ hasText: "front-full" });
  await system.getByText("System", { exact: true }).waitFor();
  await system.getByRole("button").click();
  await fill(page, "New shot type", { Name: "Our front", Code: "our-front", Pictures: "2" });
  await page.getByRole("row", { name: /Our front.*our-front.*2.*Yours/ }).waitFor();
  const { shotTypes } = await house.client(ShotTypeService).listShotTypes({ pageSize: 200 });
  const [own, pattern] = ["our-front", "front-full"].map((code) => shotTypes.find((it) => it.code === code)!);
  assert.equal(own!.framing, pattern!.framing, "it begins as its pattern");
  assert.ok(pattern!.system && !own!.system);
  await page.reload();
  await page.getByRole("row", { name: /Our front/ }).waitFor();
});

story("L-2 a product is created, edited by two, archived, and everything can be undone", async (stage) => {
  const house = await stage.organization();
  const page = await stage.open(house, "/products");
  await page.getByRole("button", { name: "New product" }).click();
  await fill(page, "New product", { Name: "Linen shirt", SKU: "LS-1", Colour: "white" });
  await page.getByRole("heading", { name: "Linen shirt", level: 1 }).waitFor();
  await page.getByText("No front photo: it cannot be shot yet").waitFor();
  const productId = page.url().split("/").at(-1)!;
  const read = async () => (await house.products.getProduct({ id: productId })).product!;

  const photos = page.getByRole("region", { name: "Photos" });
  const [front] = await print(1, "front");
  await photos.locator("input[type=file]").first().setInputFiles({ name: front!.name, mimeType: front!.type, buffer: front!.bytes });
  await photos.getByRole("img", { name: "Linen shirt, front" }).waitFor();
  await photos.getByRole("button", { name: "Take the front photo off" }).click();
  await eventually("it is off", async () => (await read()).photos.length === 0);
  await page.getByRole("status", { name: "Notices" }).getByRole("button", { name: "Undo" }).click();
  await photos.getByRole("img", { name: "Linen shirt, front" }).waitFor();
  assert.equal((await read()).photos.length, 1);

  const form = page.getByRole("region", { name: "What it is" });
  await form.getByLabel("Description").fill("Heavy linen.");
  await form.getByRole("button", { name: "Save", exact: true }).click();
  await notice(page, "Saved.").waitFor();
  // Two write the same field: who is second sees both, and chooses.
  const other = await stage.open(house, `/products/${productId}`);
  await other.getByRole("region", { name: "What it is" }).getByLabel("Colour").fill("ecru");
  await form.getByLabel("Colour").fill("cream");
  await other.getByRole("button", { name: "Save" }).click();
  await notice(other, "Saved.").waitFor();
  stage.watch.expect(/UpdateProduct: grpc 10/);
  await form.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByRole("alert").getByText("colour: theirs “ecru”, yours “cream”").waitFor();
  await page.getByRole("button", { name: "Keep mine, then save" }).click();
  await form.getByRole("button", { name: "Save", exact: true }).click();
  await eventually("mine is kept", async () => (await read()).colour === "cream");
  await eventually("the other sees it", async () => (await other.getByRole("region", { name: "What it is" }).getByLabel("Colour").inputValue()) === "cream");

  await page.getByRole("button", { name: "Archive", exact: true }).click();
  await page.getByRole("button", { name: "Bring back" }).waitFor();
  assert.equal((await read()).state, Product_State.ARCHIVED);
  await page.getByRole("status", { name: "Notices" }).getByText("Archived.").waitFor();
  await page.getByRole("status", { name: "Notices" }).getByRole("button", { name: "Undo" }).last().click();
  await page.getByRole("button", { name: "Archive", exact: true }).click();
  await page.getByRole("button", { name: "Bring back" }).waitFor();
  await page.goto("/products");
  await page.getByRole("heading", { name: "No products yet" }).waitFor();
  await page.getByRole("checkbox", { name: "Archived, too" }).check();
  await page.getByRole("link", { name: /Linen shirt/ }).click();
  await page.getByRole("button", { name: "Bring back" }).click();
  await eventually("it is back", async () => (await read()).state === Product_State.ACTIVE);
  await page.goto("/products?search=ls-1");
  await page.getByRole("link", { name: /Linen shirt/ }).waitFor();
  await page.getByLabel("Search products").fill("nothing like it");
  await page.getByRole("heading", { name: "Nothing fits" }).waitFor();
  await page.getByRole("button", { name: "Clear" }).click();
  await page.getByRole("link", { name: /Linen shirt/ }).waitFor();
});
