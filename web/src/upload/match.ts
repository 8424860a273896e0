import { ProductPhoto_Slot as Slot, type Product } from "~/api/gen/sartiq/catalog/v1/product_pb";

/** What a file is taken for, by its name. */
export interface Match {
  file: File;
  /** What groups files of one product: the SKU as it is compared. Unique for files that stand alone. */
  key: string;
  sku: string;
  name: string;
  slot: Slot;
  /** The product that has the SKU already. */
  existing: Product | undefined;
}

const VIEWS: Record<string, Slot> = {
  front: Slot.FRONT, f: Slot.FRONT, main: Slot.FRONT, packshot: Slot.FRONT,
  back: Slot.BACK, b: Slot.BACK, rear: Slot.BACK,
  side: Slot.SIDE, left: Slot.SIDE, right: Slot.SIDE,
  detail: Slot.DETAIL, closeup: Slot.DETAIL, zoom: Slot.DETAIL,
  worn: Slot.WORN, model: Slot.WORN,
};

/** A SKU as SKUs are compared: upper case, without spaces, dots, dashes and underscores. */
export function normalized(sku: string): string {
  return sku.trim().toUpperCase().replace(/[\s._-]/g, "");
}

/**
 * Reads SKU and view from a filename: `TOTE-01_back.jpg` is the back of TOTE-01.
 *
 * A name without a view stands for a product of its own, unless there is a product with that SKU.
 */
export function match(file: File, bySku: ReadonlyMap<string, Product>, unique: string): Match {
  const stem = file.name.replace(/\.[^.]+$/, "").trim();
  const [, head = "", view = ""] = /^(.+?)[\s._-]+([a-z]+)\d?$/i.exec(stem) ?? [];
  const slot = VIEWS[view.toLowerCase()];
  const sku = slot ? head : stem;
  const existing = bySku.get(normalized(sku));
  if (slot || existing) {
    return { file, key: normalized(sku), sku, name: existing?.name ?? readable(sku), slot: slot ?? Slot.FRONT, existing };
  }
  return { file, key: unique, sku: "", name: readable(stem), slot: Slot.FRONT, existing: undefined };
}

function readable(stem: string): string {
  const text = stem.replace(/[_\s]+/g, " ").trim().slice(0, 120) || "Photo";
  return text.charAt(0).toUpperCase() + text.slice(1);
}
