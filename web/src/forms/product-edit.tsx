import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { products } from "~/api/catalog";
import { sentence } from "~/api/errors";
import type { Product } from "~/api/gen/sartiq/catalog/v1/product_pb";
import { keys } from "~/api/keys";
import { useSubmit } from "~/components/form";
import { ErrorPanel } from "~/components/state";
import { toast } from "~/components/toast";
import { Button } from "~/ui/button";
import { draftOf, ProductFields, type ProductDraft } from "./product-fields";

const FIELDS = ["name", "sku", "brand", "colour", "garmentKind", "description"] as const;

/** Edits what is said of a product. What somebody else changed meanwhile is not overwritten unseen. */
export function ProductEdit({ product, reason }: { product: Product; reason: string | false }) {
  const [draft, setDraft] = useState(draftOf(product));
  const [base, setBase] = useState(product);
  const cache = useQueryClient();
  const changed = FIELDS.filter((it) => draft[it] !== base[it]);
  if (product.etag !== base.etag) {
    // Photos change the etag, too. Only a change of what is being written is a conflict.
    const theirs = FIELDS.filter((it) => product[it] !== base[it]);
    if (theirs.every((it) => !changed.includes(it))) {
      setBase(product);
      setDraft({ ...draftOf(product), ...Object.fromEntries(changed.map((it) => [it, draft[it]])) });
    }
  }
  const { onSubmit, busy, error, problem, fieldError } = useSubmit(
    (requestId) => products.updateProduct({
      requestId, id: product.id, etag: base.etag, product: draft,
      updateMask: { paths: changed.map((it) => (it === "garmentKind" ? "garment_kind" : it)) },
    }),
    (answer) => {
      cache.setQueryData(keys.product(product.id), answer.product);
      void cache.invalidateQueries({ queryKey: keys.products() });
      setBase(answer.product!);
      setDraft(draftOf(answer.product!));
      toast(answer.warnings[0]?.message ? `Saved. ${sentence(answer.warnings[0].message)}` : "Saved.");
    },
  );
  const isConflict = problem?.reason === "ETAG_MISMATCH";
  return (
    <form onSubmit={onSubmit} className="grid content-start gap-3">
      <fieldset disabled={Boolean(reason)} className="contents">
        <ProductFields value={draft} onChange={setDraft} fieldError={fieldError} />
      </fieldset>
      {isConflict && <Conflict now={product} draft={draft} onKeep={() => setBase(product)} onTake={() => { setDraft(draftOf(product)); setBase(product); }} />}
      {error !== undefined && !isConflict && <ErrorPanel error={error} />}
      <Button type="submit" look="primary" busy={busy} reason={reason || (changed.length === 0 && "Nothing was changed.")} className="justify-self-start">Save</Button>
    </form>
  );
}

/** Both versions, and the choice between them. */
function Conflict({ now, draft, onKeep, onTake }: { now: Product; draft: ProductDraft; onKeep: () => void; onTake: () => void }) {
  return (
    <div role="alert" className="grid gap-2 rounded-lg border border-warn/50 p-3">
      <p className="font-medium">Somebody changed this product since you opened it.</p>
      <ul className="text-soft">
        {FIELDS.filter((it) => now[it] !== draft[it]).map((it) => <li key={it}>{it}: theirs “{String(now[it])}”, yours “{String(draft[it])}”</li>)}
      </ul>
      <div className="flex gap-2">
        <Button small onClick={onKeep}>Keep mine, then save</Button>
        <Button small onClick={onTake}>Take theirs</Button>
      </div>
    </div>
  );
}
