import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import axe from "axe-core";
import type { Page } from "playwright-core";
import { ExportService } from "~/api/gen/sartiq/delivery/v1/export_service_pb";
import { Role } from "~/api/gen/sartiq/identity/v1/role_pb";
import { MemberService } from "~/api/gen/sartiq/identity/v1/member_service_pb";
import { RejectReason } from "~/api/gen/sartiq/shooting/v1/decision_pb";
import { House } from "./house";
import { story } from "./runner";
import type { Stage } from "./stage";

const WIDTHS = [1440, 1024, 390] as const;
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
/** Of all rules these alone see what a theme changes. */
const COLOURS = ["color-contrast", "link-in-text-block"];

/** What is wrong with a page, a line each. */
async function scan(page: Page, runOnly: axe.RunOnly): Promise<string[]> {
  return page.evaluate(async (runOnly) => {
    const options = { runOnly, resultTypes: ["violations" as const], preload: false };
    const { violations } = await (window as unknown as { axe: typeof axe }).axe.run(options);
    return violations.flatMap((it) => it.nodes.map((node) => `${it.id}: ${node.target.join(" ")}: ${node.any.concat(node.all, node.none).map((check) => check.message).join("; ")}`));
  }, runOnly);
}

/** What can be scrolled sideways although it is a page, and no table or row of its own. */
function wide(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const frames = [document.documentElement, document.body, ...document.querySelectorAll("main, [data-body]")];
    return frames.filter((it) => it.scrollWidth > it.clientWidth).map((it) => `${it.tagName.toLowerCase()} is ${it.scrollWidth} px wide, and shows ${it.clientWidth}`);
  });
}

/** Waits until nothing is loading any more. */
async function settled(page: Page): Promise<void> {
  await page.getByRole("heading", { level: 1 }).first().waitFor();
  await page.waitForFunction(() => document.querySelector("[role=status][aria-label^=Loading]") === null);
  await page.waitForLoadState("load");
}

/** Shows a page in a theme, and waits until it is painted so. */
async function paint(page: Page, colorScheme: "light" | "dark"): Promise<void> {
  await page.emulateMedia({ colorScheme });
  // A colour that changes changes for a moment, and those that inherit it a moment later.
  await page.evaluate(async () => {
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    for (let quiet = 0; quiet < 2; quiet += 1) {
      await frame();
      if (document.getAnimations().some((it) => it.playState === "running")) quiet = -1;
    }
  });
}

/** Looks at one page at every width and in both themes, after `act` was done on it. */
async function scanPage(page: Page, path: string, act?: () => Promise<void>): Promise<string[]> {
  const found: string[] = [];
  await page.setViewportSize({ width: WIDTHS[0], height: 900 });
  await page.goto(path);
  await settled(page);
  await act?.();
  await page.evaluate(axe.source);
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 900 });
    await settled(page);
    const at = `${path} at ${width} px`;
    if (width === 390) found.push(...(await wide(page)).map((it) => `${at}: ${it}`));
    await paint(page, "light");
    found.push(...(await scan(page, { type: "tag", values: TAGS })).map((it) => `${at}: ${it}`));
    await paint(page, "dark");
    found.push(...(await scan(page, { type: "rule", values: COLOURS })).map((it) => `${at}, dark: ${it}`));
  }
  return found;
}

async function scanAll(page: Page, paths: string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths) found.push(...(await scanPage(page, path)));
  return found;
}

interface Pages { house: House; review: string; made: string[]; kept: string[] }

/** A shooting in the middle of its work: something of everything, in many states. */
async function furnish(): Promise<Pages> {
  const house = await House.signUp("Atelier");
  const studio = await house.studio(1, 3);
  await house.generate(studio, 2, studio.shots.slice(0, 2));
  const [approved, rejected] = studio.shots.map((it) => it.id) as [string, string, string];
  const first = async (shotId: string) => (await house.predictions.listPredictions({ shotId })).predictions[0]!.id;
  await house.reviews.approvePrediction({ requestId: randomUUID(), predictionId: await first(approved) });
  await house.reviews.rejectPrediction({ requestId: randomUUID(), predictionId: await first(rejected), reason: RejectReason.COLOUR });
  const { export: made } = await house.client(ExportService).createExport({ requestId: randomUUID(), name: "Spring", shootingId: studio.shootingId });
  await house.client(MemberService).inviteMember({ requestId: randomUUID(), email: "somebody@e2e.example", role: Role.EDITOR });
  const { generations } = await house.generations.listGenerations({});
  const { subjectId } = (await house.looks.listLooks({ shootingId: studio.shootingId })).looks[0]!;
  const shooting = `/shootings/${studio.shootingId}`;
  return {
    house,
    review: `${shooting}/review`,
    made: [
      "/", "/shootings", "/shootings?new", shooting, `${shooting}/looks`, `${shooting}/looks?add`, `${shooting}/generate`, `${shooting}/review`,
      `${shooting}/review?shot=${rejected}`, "/generator", "/review", `/runs/${generations[0]!.id}`,
    ],
    kept: [
      "/products", `/products/${studio.products[0]!.id}`, "/subjects", `/subjects/${subjectId}`, "/library/styles", "/library/guidelines", "/library/shot-types",
      "/deliver", "/deliver?new", "/deliver/targets", `/deliver/${made!.id}`, "/queue", "/queue?state=tasks",
      "/settings/profile", "/settings/appearance", "/settings/sessions", "/settings/organization", "/settings/members", "/nowhere",
    ],
  };
}

let furnished: Promise<Pages> | undefined;

/** One organization for all scans. */
const pages = () => (furnished ??= furnish());

async function open(stage: Stage, house?: House): Promise<Page> {
  return (await (house ? stage.windowOf(house) : stage.window())).newPage();
}

story("A-1 the pages where pictures are made are accessible, at three widths and in both themes", async (stage) => {
  const { house, review, made } = await pages();
  const page = await open(stage, house);
  const found = await scanAll(page, made);
  const bar = page.getByRole("region", { name: "Selection" });
  found.push(...(await scanPage(page, review, async () => {
    await page.getByRole("gridcell").first().waitFor();
    await page.keyboard.press("Control+a");
    await bar.getByText("All 2 selected").waitFor();
  })));
  await page.keyboard.press("x");
  await bar.getByRole("group", { name: "Why is it rejected?" }).waitFor();
  found.push(...(await scan(page, { type: "tag", values: TAGS })).map((it) => `${review}, rejecting: ${it}`));
  assert.deepEqual(found, []);
});

story("A-2 the pages of what is kept, the settings and the sign-in are accessible, at three widths and in both themes", async (stage) => {
  const strangers = await scanAll(await open(stage), ["/login", "/signup", "/invite/nothing"]);
  const { house, kept } = await pages();
  assert.deepEqual([...strangers, ...(await scanAll(await open(stage, house), kept))], []);
});
