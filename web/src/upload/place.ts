import { Code, ConnectError } from "@connectrpc/connect";
import { cache } from "~/api/cache";
import { products } from "~/api/catalog";
import { reasonOf, sentence } from "~/api/errors";
import { ProductPhoto_Slot as Slot, type Product } from "~/api/gen/sartiq/catalog/v1/product_pb";
import { ProductWarning_Kind } from "~/api/gen/sartiq/catalog/v1/product_service_pb";
import { keys } from "~/api/keys";
import { everything } from "~/api/pages";
import { uuid } from "~/lib/uuid";
import { paths } from "~/paths";
import { match, normalized, type Match } from "./match";
import type { Order, Outcome } from "./queue";

/** A product with the photo, and what the catalog says about it. */
interface Placed { product: Product; note: string }

/** Takes files for photos of products, by their names. */
export async function matchAll(files: File[]): Promise<Match[]> {
  const known = await everything(
    (page, options) => products.listProducts({ ...page, showArchived: true }, options), (it) => it.products, new AbortController().signal, 10_000,
  );
  const bySku = new Map(known.filter((it) => it.sku).map((it) => [normalized(it.sku), it]));
  return files.map((file) => match(file, bySku, uuid()));
}

/** Makes the orders that put each file where its match says. Files of one product go one after another. */
export function orders(matches: Match[]): Order[] {
  const groups = new Map<string, Promise<Placed | undefined>>();
  return matches.map((it) => ({
    file: it.file,
    place: async (mediaId): Promise<Outcome> => {
      const before = groups.get(it.key) ?? Promise.resolve(it.existing && { product: it.existing, note: "" });
      const work = before.then(async (placed): Promise<Placed> =>
        placed ? { product: await add(placed.product.id, it.slot, mediaId), note: "" } : create(it, mediaId));
      // What fails for one photo does not keep the next one out.
      groups.set(it.key, work.catch(() => before));
      const { product, note } = await work;
      cache.setQueryData(keys.product(product.id), product);
      void cache.invalidateQueries({ queryKey: keys.products() });
      return { text: product.name, to: paths.product(product.id), note };
    },
  }));
}

async function create({ name, sku, slot }: Match, mediaId: string): Promise<Placed> {
  try {
    const { product, warnings } = await products.createProduct({ requestId: uuid(), product: { name, sku, photos: [{ slot, mediaId }] } });
    const twin = warnings.find((it) => it.kind === ProductWarning_Kind.SAME_PHOTO) ?? warnings.find((it) => it.productId);
    return { product: product!, note: twin ? sentence(twin.message) : "" };
  } catch (error) {
    if (reasonOf(error) !== "SKU_TAKEN") throw error;
    // Somebody else was faster: the photo goes to theirs.
    const { products: found } = await products.listProducts({ search: sku, showArchived: true, pageSize: 200 });
    const taken = found.find((it) => normalized(it.sku) === normalized(sku));
    if (!taken) throw error;
    return { product: await add(taken.id, slot, mediaId), note: "" };
  }
}

/** Adds a photo to a product, in its slot if that is free, and as a detail otherwise. */
export async function add(id: string, slot: Slot, mediaId: string, isReplacing = false): Promise<Product> {
  for (let attempt = 1; ; attempt += 1) {
    const { product } = await products.getProduct({ id });
    const { etag, photos } = product!;
    if (photos.some((it) => it.mediaId === mediaId && (it.slot === slot || !isReplacing))) return product!;
    const others = isReplacing && slot !== Slot.DETAIL ? photos.filter((it) => it.slot !== slot) : photos;
    const isFree = slot === Slot.DETAIL || others.every((it) => it.slot !== slot);
    const next = [...others, { slot: isFree ? slot : Slot.DETAIL, mediaId }].sort((one, other) => one.slot - other.slot);
    try {
      const answer = await products.updateProduct({
        requestId: uuid(), id, etag, product: { photos: next }, updateMask: { paths: ["photos"] },
      });
      return answer.product!;
    } catch (error) {
      if (ConnectError.from(error).code !== Code.Aborted || attempt === 4) throw error;
    }
  }
}
