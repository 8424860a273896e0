import { readFileSync } from "node:fs";
import { join } from "node:path";
import { browser } from "./browser";

/** A file as somebody would drop it. */
export interface Photo { name: string; type: string; bytes: Buffer }

const ORIGINALS = ["astronaut", "chelsea", "coffee"];
const folder = join(process.env.E2E_ROOT!, "tests/data/photos");
let printed = 0;

/** Prints `count` photos, no two of the same bytes: crops of real ones, in other sizes and colours. */
export async function print(count: number, name = "photo"): Promise<Photo[]> {
  const context = await (await browser()).newContext();
  try {
    const page = await context.newPage();
    const first = printed;
    printed += count;
    const originals = ORIGINALS.map((it) => readFileSync(join(folder, `${it}.png`)).toString("base64"));
    const files = await page.evaluate(async ({ originals, first, count }) => {
      const images = await Promise.all(originals.map(async (it) => {
        const image = new Image();
        image.src = `data:image/png;base64,${it}`;
        await image.decode();
        return image;
      }));
      const made: string[] = [];
      for (let index = first; index < first + count; index += 1) {
        const image = images[index % images.length]!;
        const canvas = new OffscreenCanvas(240 + (index % 7) * 8, 300);
        const paper = canvas.getContext("2d")!;
        paper.filter = `hue-rotate(${(index * 47) % 360}deg)`;
        paper.drawImage(image, -(index % 40), -(index % 30), 400, 400);
        paper.fillStyle = "#fff";
        paper.font = "20px sans-serif";
        paper.fillText(`${index} ${performance.timeOrigin}`, 10, 280);
        const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: 0.8 });
        const bytes = new Uint8Array(await blob.arrayBuffer());
        made.push(btoa(Array.from(bytes, (it) => String.fromCharCode(it)).join("")));
      }
      return made;
    }, { originals, first, count });
    return files.map((it, index) => ({ name: `${name} ${index + 1}.jpg`, type: "image/jpeg", bytes: Buffer.from(it, "base64") }));
  } finally {
    await context.close();
  }
}
