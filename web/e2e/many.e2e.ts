import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import type { Locator, Page } from "playwright-core";
import { eventually } from "./eventually";
import type { House, Studio } from "./house";
import { story } from "./runner";

/** The number of the row that has the focus. */
const focused = (page: Page) => page.evaluate(() => Number(document.activeElement?.closest("[aria-rowindex]")?.getAttribute("aria-rowindex") ?? 0));

async function press(page: Page, key: string, row: number): Promise<void> {
  await page.keyboard.press(key);
  await eventually(`${key} leads to row ${row}`, async () => (await focused(page)) === row, 5_000);
}

/** Scrolls `main` to its start or end, and waits until rows are there. */
async function scroll(page: Page, to: number, row: Locator): Promise<void> {
  await page.getByRole("main").evaluate((it, to) => it.scrollTo(0, to), to);
  await row.waitFor();
}

async function subjectsOf(house: House, { shootingId }: Studio): Promise<string[]> {
  const { looks } = await house.looks.listLooks({ shootingId, pageSize: 200 });
  return looks.map((it) => it.subjectId);
}

story("C-1 two hundred looks: those near the screen are there, and keys, selection, filling and undo reach all", async (stage) => {
  const house = await stage.organization();
  const studio = await house.studio(200, 2);
  const jonas = await house.addSubject("Jonas");
  const page = await stage.open(house, `/shootings/${studio.shootingId}/looks`);
  await page.getByText("200 looks, 400 shots").waitFor();
  const grid = page.getByRole("grid", { name: "Looks and their shot types" });
  const isSmall = async () => assert.ok((await grid.getByRole("row").count()) <= 50, "only those near the screen are there");
  const rowOf = (number: number) => grid.locator(`[aria-rowindex="${number}"]`);
  assert.equal(await grid.getAttribute("aria-rowcount"), "201");
  await isSmall();

  await rowOf(2).getByRole("rowheader").focus();
  await press(page, "ArrowDown", 3);
  await press(page, "Control+End", 201);
  await isSmall();
  await press(page, "ArrowUp", 200);
  await press(page, "PageUp", 194);
  await scroll(page, 0, rowOf(2));
  await press(page, "ArrowDown", 195);
  await press(page, "Control+Home", 1);

  // A range from one end to the other.
  await rowOf(4).getByRole("checkbox", { name: /^Select / }).click();
  await scroll(page, 1e6, rowOf(201));
  await rowOf(199).getByRole("checkbox", { name: /^Select / }).click({ modifiers: ["Shift"] });
  await page.getByRole("button", { name: "Apply to 196 selected" }).waitFor();
  await rowOf(201).getByRole("rowheader").focus();
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+a");
  await page.getByRole("button", { name: "Apply to 200 selected" }).waitFor();
  await page.keyboard.press("Escape");

  const forAll = page.getByRole("region", { name: "For all looks" });
  await forAll.getByLabel("Subject for all looks").selectOption({ label: "Jonas" });
  await forAll.getByRole("button", { name: "Apply to all 200" }).click();
  await eventually("all have the subject", async () => (await subjectsOf(house, studio)).every((it) => it === jonas), 60_000);
  await scroll(page, 1e6, rowOf(201));
  await rowOf(201).getByRole("button", { name: /^Subject of .*: Jonas$/ }).waitFor();
  await page.getByRole("button", { name: /^Undo applying to 200 looks/ }).click();
  await eventually("none has it any more", async () => (await subjectsOf(house, studio)).every((it) => it !== jonas), 60_000);
  await rowOf(201).getByRole("button", { name: /^Subject of .*: Mara$/ }).waitFor();

  // What is removed leaves its place, and the focus, to the one after it.
  await scroll(page, 0, rowOf(2));
  await rowOf(10).getByRole("rowheader").focus();
  const next = await rowOf(11).getAttribute("data-look");
  await page.keyboard.press("Delete");
  await page.getByText("199 looks, 398 shots").waitFor();
  await eventually("the next one has the focus", async () => (await focused(page)) === 10 && (await rowOf(10).getAttribute("data-look")) === next);
  await rowOf(10).getByRole("checkbox", { name: /^Small 2 of / }).click();
  await page.getByText("199 looks, 397 shots").waitFor();
  // The notice undoes what it is about, whatever came after.
  await page.getByRole("status", { name: "Notices" }).getByRole("button", { name: "Undo" }).click();
  await page.getByText("200 looks, 399 shots").waitFor();
});

story("G-3 five hundred pictures: those near the screen are there, and keys reach the first and the last", async (stage) => {
  const house = await stage.organization();
  const studio = await house.studio(44, 2);
  const inputs = studio.shots.map(({ id }) => ({ shotId: id, variantCount: 6 }));
  // Stopped at once: what is looked at is how many there are.
  const { generations } = await house.generations.batchStartGenerations({ requestId: randomUUID(), generations: inputs });
  await Promise.all(generations.map(({ id }) => house.generations.cancelGeneration({ requestId: randomUUID(), id })));
  const page = await stage.open(house, `/shootings/${studio.shootingId}/generate`);
  const grid = page.getByRole("grid", { name: "Pictures by shot" });
  // All of them are known, and stand in their order.
  await page.getByText("88 runs").waitFor();
  await grid.getByRole("gridcell").first().waitFor();
  assert.equal(await grid.getAttribute("aria-rowcount"), "88");
  const isSmall = async () => {
    const count = await grid.getByRole("gridcell").count();
    assert.ok(count > 8 && count <= 250, `only those near the screen are there: ${count}`);
  };
  await isSmall();
  await grid.getByRole("gridcell").first().focus();
  await press(page, "Control+End", 88);
  await isSmall();
  await page.keyboard.press("End");
  await press(page, "ArrowRight", 88);
  await page.keyboard.press("Home");
  await press(page, "ArrowLeft", 87);
  const composition = page.getByRole("region", { name: "Composition" });
  await composition.getByText("88 of 88 chosen").waitFor({ timeout: 60_000 });
  await page.getByRole("main").evaluate((it) => it.scrollTo(0, 0));
  await page.keyboard.press("ArrowRight");
  await eventually("the next one is shown, wherever the page was", async () => (await focused(page)) === 88 && (await page.evaluate(() => document.activeElement!.getBoundingClientRect().top < innerHeight)));
});
