import { ImagePlus, Star, Trash2 } from "lucide-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { products } from "~/api/catalog";
import { ProductPhoto_Slot as Slot, type Product, type ProductPhoto } from "~/api/gen/sartiq/catalog/v1/product_pb";
import { useRights } from "~/api/identity";
import { keys } from "~/api/keys";
import { cx } from "~/lib/cx";
import { uuid } from "~/lib/uuid";
import { paths } from "~/paths";
import { add } from "~/upload/place";
import { enqueue } from "~/upload/queue";
import { IconButton } from "~/ui/button";
import { FileButton } from "./file-button";
import { Picture } from "./picture";
import { errorToast, undoToast } from "./toast";

export const SLOT_NAMES: [Slot, string][] = [
  [Slot.FRONT, "Front"], [Slot.BACK, "Back"], [Slot.SIDE, "Side"], [Slot.DETAIL, "Detail"], [Slot.WORN, "Worn"],
];

/** The photos of a product by view, each with a place to add it. */
export function Slots({ product }: { product: Product }) {
  const cache = useQueryClient();
  const { make } = useRights();
  const { mutate } = useMutation({
    mutationFn: (photos: Pick<ProductPhoto, "slot" | "mediaId">[]) =>
      products.updateProduct({ requestId: uuid(), id: product.id, product: { photos }, updateMask: { paths: ["photos"] } }),
    onSuccess: (answer) => cache.setQueryData(keys.product(product.id), answer.product),
    onError: errorToast,
    onSettled: () => cache.invalidateQueries({ queryKey: keys.products() }),
  });
  const bring = (slot: Slot, files: File[]) =>
    enqueue(files.map((file) => ({
      file,
      place: async (mediaId) => {
        const next = await add(product.id, slot, mediaId, true);
        cache.setQueryData(keys.product(product.id), next);
        void cache.invalidateQueries({ queryKey: keys.products() });
        return { text: next.name, to: paths.product(next.id) };
      },
    })));
  const remove = (photo: ProductPhoto) => {
    const before = product.photos;
    mutate(before.filter((it) => it !== photo));
    undoToast("The photo was taken off.", () => mutate(before));
  };
  const makeFront = (photo: ProductPhoto) =>
    mutate(product.photos.map(({ slot, mediaId }) => {
      if (mediaId === photo.mediaId && slot === photo.slot) return { slot: Slot.FRONT, mediaId };
      return { slot: slot === Slot.FRONT ? Slot.DETAIL : slot, mediaId };
    }));
  return (
    <div className="grid grid-cols-[repeat(auto-fill,minmax(9.5rem,1fr))] gap-3">
      {SLOT_NAMES.flatMap(([slot, name]) => {
        const photos = product.photos.filter((it) => it.slot === slot);
        const canAdd = make && (slot === Slot.DETAIL || photos.length === 0);
        return [
          ...photos.map((photo) => (
            <figure key={`${slot}-${photo.mediaId}`} className={cx("flex flex-col overflow-hidden rounded-lg border bg-panel", slot === Slot.FRONT && "col-span-2 row-span-2")}>
              <Picture mediaId={photo.mediaId} alt={`${product.name}, ${name.toLowerCase()}`} fit="contain" edge={slot === Slot.FRONT ? 1280 : 512} className="aspect-[4/5] flex-1" />
              <figcaption className="flex h-8 items-center justify-between pl-2.5 pr-0.5 text-xs text-soft">
                {name}
                {make && (
                  <span>
                    {slot !== Slot.FRONT && <IconButton label={`Make the ${name.toLowerCase()} photo the front`} icon={Star} onClick={() => makeFront(photo)} className="size-7" />}
                    <IconButton label={`Take the ${name.toLowerCase()} photo off`} icon={Trash2} onClick={() => remove(photo)} className="size-7" />
                  </span>
                )}
              </figcaption>
            </figure>
          )),
          canAdd && (
            <div key={`${slot}-add`} className="grid place-items-center rounded-lg border border-dashed sm:aspect-[4/5] max-sm:min-h-20">
              <FileButton look="quiet" icon={ImagePlus} multiple={slot === Slot.DETAIL} onFiles={(files) => bring(slot, files)}>
                Add {name.toLowerCase()}
              </FileButton>
            </div>
          ),
        ];
      })}
    </div>
  );
}
