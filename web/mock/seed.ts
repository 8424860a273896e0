import { create } from "@bufbuild/protobuf";
import { GuidelineSchema } from "~/api/gen/sartiq/catalog/v1/guideline_pb";
import { GarmentKind, Product_State, ProductPhoto_Slot, ProductSchema } from "~/api/gen/sartiq/catalog/v1/product_pb";
import { ShotTypeSchema } from "~/api/gen/sartiq/catalog/v1/shot_type_pb";
import { StyleSchema } from "~/api/gen/sartiq/catalog/v1/style_pb";
import { SubjectSchema } from "~/api/gen/sartiq/catalog/v1/subject_pb";
import { LookInputSchema } from "~/api/gen/sartiq/shooting/v1/look_service_pb";
import { Shot_State } from "~/api/gen/sartiq/shooting/v1/shot_pb";
import { packshot, portrait } from "./art";
import { db, fresh, put } from "./db";
import { start } from "./generation";
import { addMedia } from "./media";
import { addLook, addShooting, moveShot } from "./shooting";

const PRODUCTS: [name: string, sku: string, colour: string][] = [
  ["Linen shirt", "LIN-101", "Rust"], ["Poplin shirt", "POP-204", "Navy"], ["Overshirt", "OVR-310", "Olive"], ["Rugby top", "RUG-415", "Ochre"],
  ["Heavy tee", "TEE-520", "Charcoal"], ["Cashmere crew", "CAS-601", "Sand"], ["Silk blouse", "SLK-702", "Plum"], ["Camp collar shirt", "CMP-808", "Teal"],
];

/** A small brand in the middle of its season. */
export function seed(): void {
  const products = PRODUCTS.map(([name, sku, colour]) =>
    put(db.products, create(ProductSchema, {
      ...fresh(), name, sku, colour, brand: "Atelier Nord", garmentKind: GarmentKind.UPPER, state: Product_State.ACTIVE,
      description: `${name} in ${colour.toLowerCase()}.`,
      photos: [{ slot: ProductPhoto_Slot.FRONT, mediaId: addMedia(packshot(name), `${sku}_front.png`) }],
    })));
  // One that cannot be shot yet, to see what is said about it.
  const skirt = put(db.products, create(ProductSchema, { ...fresh(), name: "Wool skirt", sku: "SKT-909", colour: "Grey", brand: "Atelier Nord", garmentKind: GarmentKind.LOWER, state: Product_State.ACTIVE }));
  const [mara] = ["Mara", "Jonas", "Aiko"].map((name) =>
    put(db.subjects, create(SubjectSchema, {
      ...fresh(), name, handle: name.toLowerCase(), description: `${name}, late twenties, calm look, natural skin.`, portraitMediaId: addMedia(portrait(name), `${name}.png`),
    })));
  const [daylight] = [["Daylight", "soft daylight from the left", "plain light grey"], ["Dusk", "warm low sun", "a quiet street"]].map(([name, light, background]) =>
    put(db.styles, create(StyleSchema, { ...fresh(), name: name!, light: light!, background: background!, prompt: "Editorial, honest colour, fine grain." })));
  put(db.guidelines, create(GuidelineSchema, { ...fresh(), name: "House rules", rules: ["The whole garment is visible.", "No jewellery.", "The collar lies flat."] }));
  const shotTypes = [["front-full", "Front, full body"], ["back-full", "Back, full body"], ["front-half", "Front, waist up"], ["detail", "Detail"]].map(([code, name]) =>
    put(db.shotTypes, create(ShotTypeSchema, {
      ...fresh(), code: code!, name: name!, framing: name!.toLowerCase(), angle: "eye level", pose: "standing, arms relaxed", widthPx: 1024, heightPx: 1280, defaultVariants: 3, system: true,
    })));

  const add = (shootingId: string, productId: string) =>
    addLook(shootingId, create(LookInputSchema, { productId, subjectId: mara!.id, styleId: daylight!.id, shotTypeIds: shotTypes.slice(0, 3).map((it) => it.id) }));
  const spring = addShooting("Spring essentials", "Shirts for the web shop, calm and light.");
  for (const product of products.slice(0, 3)) {
    for (const shot of add(spring.id, product.id).shots) {
      start({ shotId: shot.id, variantCount: 0 }, true);
      moveShot(shot, Shot_State.TO_REVIEW);
    }
  }
  const knit = addShooting("Knitwear test", "A first try for the autumn.");
  for (const product of [...products.slice(4, 7), skirt]) add(knit.id, product.id);
}
