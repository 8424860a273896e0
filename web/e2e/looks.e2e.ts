import assert from "node:assert/strict";
import { eventually } from "./eventually";
import { story } from "./runner";

story("B-10 twenty looks are composed by mouse: applied to all, undone and done again", async (stage) => {
  const house = await stage.organization();
  const [products, , jonas, , dusk, types] = await Promise.all([
    house.addProducts(20), house.addSubject("Mara"), house.addSubject("Jonas"), house.addStyle("Daylight"), house.addStyle("Dusk"), house.addShotTypes(3),
  ]);
  const page = await stage.open(house, "/shootings");
  await page.getByRole("button", { name: "New shooting" }).first().click();
  await page.getByRole("dialog").getByLabel("Name").fill("Spring");
  await page.getByRole("dialog").getByRole("button", { name: /^Create/ }).click();
  await page.waitForURL(/\/shootings\/[0-9a-f-]{36}\/looks/);
  const shootingId = /shootings\/([0-9a-f-]{36})/.exec(page.url())![1]!;

  const dialog = page.getByRole("dialog", { name: "Add looks" });
  for (const { name } of products) await dialog.getByRole("button", { name, exact: true }).click();
  await dialog.getByLabel("Subject").selectOption({ label: "Mara" });
  await dialog.getByLabel("Style").selectOption({ label: "Daylight" });
  await dialog.getByRole("checkbox", { name: /^Small 1/ }).check();
  for (const other of await dialog.getByRole("checkbox", { checked: true }).all()) {
    if (!(await other.evaluate((it) => it.parentElement?.textContent?.startsWith("Small 1")))) await other.uncheck();
  }
  await dialog.getByRole("button", { name: "Add 20 looks" }).click();
  const grid = page.getByRole("grid", { name: "Looks and their shot types" });
  await eventually("twenty rows", async () => (await grid.getByRole("row").count()) === 21);

  /** What the server has, in one line for each kind of look. */
  const kept = async () => {
    const { looks } = await house.looks.listLooks({ shootingId, pageSize: 200 });
    const lines = looks.map((it) => [it.subjectId === jonas ? "Jonas" : "Mara", it.styleId === dusk ? "Dusk" : "Daylight", it.shotTypeIds.map((id) => types.indexOf(id) + 1).sort().join("")].join(" "));
    return { count: looks.length, kinds: [...new Set(lines)].sort() };
  };
  const becomes = (kinds: string[]) => eventually(`all looks are: ${kinds.join(", ")}`, async () => {
    const now = await kept();
    return now.count === 20 && JSON.stringify(now.kinds) === JSON.stringify(kinds);
  });
  await becomes(["Mara Daylight 1"]);

  const forAll = page.getByRole("region", { name: "For all looks" });
  await forAll.getByLabel("Subject for all looks").selectOption({ label: "Jonas" });
  await forAll.getByLabel("Style for all looks").selectOption({ label: "Dusk" });
  await forAll.getByRole("button", { name: "Apply to all 20" }).click();
  await becomes(["Jonas Dusk 1"]);
  await forAll.getByRole("button", { name: "Shot type" }).click();
  await page.getByRole("menuitem", { name: "Small 2" }).click();
  await becomes(["Jonas Dusk 12"]);

  const undo = page.getByRole("button", { name: /^Undo/ });
  const redo = page.getByRole("button", { name: /^Redo/ });
  await undo.click();
  await becomes(["Jonas Dusk 1"]);
  await undo.click();
  await becomes(["Mara Daylight 1"]);
  await redo.click();
  await redo.click();
  await becomes(["Jonas Dusk 12"]);
  // Back to where it began, and on again.
  for (let step = 0; step < 3; step += 1) await undo.click();
  await page.getByRole("heading", { name: "No looks yet" }).waitFor();
  await eventually("the server has none", async () => (await kept()).count === 0);
  assert.equal(await undo.getAttribute("aria-disabled"), "true", "there is nothing else to undo");
  for (let step = 0; step < 3; step += 1) await redo.click();
  await becomes(["Jonas Dusk 12"]);
  await page.getByText("20 looks, 40 shots").waitFor();
  assert.equal(await redo.getAttribute("aria-disabled"), "true", "there is nothing else to do again");

  // One look of its own, and what the page says is what it says after a reload.
  await grid.getByRole("checkbox", { name: "Small 2 of Shirt 7", exact: true }).click();
  await becomes(["Jonas Dusk 1", "Jonas Dusk 12"]);
  await page.getByText("20 looks, 39 shots").waitFor();
  await page.reload();
  await page.getByText("20 looks, 39 shots").waitFor();
  assert.equal(await grid.getByRole("checkbox", { name: "Small 2 of Shirt 7", exact: true }).getAttribute("aria-checked").catch(() => "none"), "false");
});
