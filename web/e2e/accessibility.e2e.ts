import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import axe from "axe-core";
import type { Page } from "playwright-core";
import { ExportService } from "~/api/gen/sartiq/delivery/v1/export_service_pb";
import { Role } from "~/api/gen/sartiq/identity/v1/role_pb";
import { MemberService } from "~/api/gen/sartiq/identity/v1/member_service_pb";
import { RejectReason } from "~/api/gen/sartiq/shooting/v1/decision_pb";
import type { House } from "./house";
import { story } from "./runner";

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

/** What is wrong with a page, a line each. */
async function scan(page: Page): Promise<string[]> {
  await page.evaluate(`window.axe ?? (() => { ${axe.source} })()`);
  return page.evaluate(async (rules) => {
    const { violations } = await (window as unknown as { axe: typeof axe }).axe.run({ runOnly: { type: "tag", values: rules } });
    return violations.flatMap((it) => it.nodes.map((node) => `${it.id}: ${node.target.join(" ")}: ${node.any.concat(node.all, node.none).map((check) => check.message).join("; ")}`));
  }, RULES);
}

/** Waits until nothing is loading any more. */
async function settled(page: Page): Promise<void> {
  await page.getByRole("heading", { level: 1 }).first().waitFor();
  await page.waitForFunction(() => document.querySelector("[role=status][aria-label^=Loading]") === null);
  await page.waitForLoadState("load");
}

/** Opens each page once, and scans it in both themes; answers what is wrong. */
async function scanAll(page: Page, paths: string[]): Promise<string[]> {
  const found = new Set<string>();
  for (const path of paths) {
    await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
    await page.goto(path);
    await settled(page);
    for (const it of await scan(page)) found.add(`${path}: ${it}`);
    await page.emulateMedia({ colorScheme: "dark", reducedMotion: "reduce" });
    for (const it of await scan(page)) found.add(`${path} (dark): ${it}`);
  }
  return [...found];
}

/** A shooting in the middle of its work: something of everything, in many states. Answers its pages. */
async function furnish(house: House): Promise<string[]> {
  const studio = await house.studio(1, 3);
  await house.generate(studio, 2, studio.shots.slice(0, 2));
  const [approved, rejected] = studio.shots.map((it) => it.id) as [string, string, string];
  const first = async (shotId: string) => (await house.predictions.listPredictions({ shotId })).predictions[0]!.id;
  await house.reviews.approvePrediction({ requestId: randomUUID(), predictionId: await first(approved) });
  await house.reviews.rejectPrediction({ requestId: randomUUID(), predictionId: await first(rejected), reason: RejectReason.COLOUR });
  const { export: made } = await house.client(ExportService).createExport({ requestId: randomUUID(), name: "Spring", shootingId: studio.shootingId });
  const { generations } = await house.generations.listGenerations({});
  const shooting = `/shootings/${studio.shootingId}`;
  return [
    "/", "/shootings", "/shootings?new", shooting, `${shooting}/looks`, `${shooting}/looks?add`, `${shooting}/generate`, `${shooting}/review`,
    `${shooting}/review?shot=${rejected}`, "/generator", "/review", "/deliver", "/deliver?new", "/deliver/targets", `/deliver/${made!.id}`,
    "/queue", `/runs/${generations[0]!.id}`,
  ];
}

story("A-1 the pages where pictures are made are accessible in both themes", async (stage) => {
  const house = await stage.organization();
  const paths = await furnish(house);
  assert.deepEqual(await scanAll(await (await stage.windowOf(house)).newPage(), paths), []);
});

story("A-2 the pages of what is kept, the settings and the sign-in are accessible in both themes", async (stage) => {
  const house = await stage.organization();
  const [products, subjectId] = await Promise.all([house.addProducts(2), house.addSubject(), house.addStyle(), house.addShotTypes(1)]);
  await house.client(MemberService).inviteMember({ requestId: randomUUID(), email: "somebody@e2e.example", role: Role.EDITOR });
  const kept = [
    "/products", `/products/${products[0]!.id}`, "/subjects", `/subjects/${subjectId}`, "/library/styles", "/library/guidelines", "/library/shot-types",
    "/settings/profile", "/settings/appearance", "/settings/sessions", "/settings/organization", "/settings/members", "/nowhere",
  ];
  const found = await scanAll(await (await stage.windowOf(house)).newPage(), kept);
  const strangers = await scanAll(await (await stage.window()).newPage(), ["/login", "/signup", "/invite/nothing"]);
  assert.deepEqual([...found, ...strangers], []);
});
