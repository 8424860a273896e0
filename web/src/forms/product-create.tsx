import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate } from "react-router";
import { products } from "~/api/catalog";
import { keys } from "~/api/keys";
import { useSubmit } from "~/components/form";
import { ErrorPanel } from "~/components/state";
import { paths } from "~/paths";
import { Button } from "~/ui/button";
import { Dialog } from "~/ui/dialog";
import { NO_PRODUCT, ProductFields } from "./product-fields";

/** Creates a product without a photo; photos are added on its page. */
export function ProductCreate({ onClose }: { onClose: () => void }) {
  const [draft, setDraft] = useState(NO_PRODUCT);
  const cache = useQueryClient();
  const navigate = useNavigate();
  const { onSubmit, busy, error, fieldError } = useSubmit(
    (requestId) => products.createProduct({ requestId, product: draft }),
    ({ product }) => {
      void cache.invalidateQueries({ queryKey: keys.products() });
      void navigate(paths.product(product!.id));
    },
  );
  return (
    <Dialog title="New product" onClose={onClose} actions={<Button type="submit" form="product" look="primary" busy={busy}>Create</Button>}>
      <form id="product" onSubmit={onSubmit} className="grid grid-cols-1 gap-3">
        <ProductFields value={draft} onChange={setDraft} fieldError={fieldError} />
        {error !== undefined && <ErrorPanel error={error} />}
      </form>
    </Dialog>
  );
}
