import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Archive, ArchiveRestore, ImageOff } from "lucide-react";
import { useParams } from "react-router";
import { productQuery, products } from "~/api/catalog";
import { Product_State } from "~/api/gen/sartiq/catalog/v1/product_pb";
import { useRights } from "~/api/identity";
import { keys } from "~/api/keys";
import { Page } from "~/components/page";
import { frontOf } from "~/components/pickers";
import { Slots } from "~/components/slots";
import { ErrorPanel, SkeletonGrid } from "~/components/state";
import { errorToast, undoToast } from "~/components/toast";
import { ProductEdit } from "~/forms/product-edit";
import { ago } from "~/lib/format";
import { uuid } from "~/lib/uuid";
import { Badge } from "~/ui/badge";
import { Button } from "~/ui/button";

export default function ProductPage() {
  const { id = "" } = useParams();
  const cache = useQueryClient();
  const { make } = useRights();
  const { data: product, error, refetch } = useQuery(productQuery(id));
  const archive = useMutation({
    mutationFn: async (isArchived: boolean) => {
      const request = { requestId: uuid(), id };
      const answer = await (isArchived ? products.archiveProduct(request) : products.restoreProduct(request));
      return answer.product!;
    },
    onSuccess: (next, isArchived) => {
      cache.setQueryData(keys.product(id), next);
      void cache.invalidateQueries({ queryKey: keys.products() });
      if (isArchived) undoToast("Archived.", () => archive.mutate(false));
    },
    onError: errorToast,
  });
  if (error) return <Page title="Product" within="Products"><ErrorPanel error={error} onRetry={refetch} /></Page>;
  if (!product) return <Page title="Product" within="Products"><SkeletonGrid what="the product" count={5} /></Page>;
  const isArchived = product.state === Product_State.ARCHIVED;
  const actions = make && (
    <Button icon={isArchived ? ArchiveRestore : Archive} busy={archive.isPending} onClick={() => archive.mutate(!isArchived)}>
      {isArchived ? "Bring back" : "Archive"}
    </Button>
  );
  const aside = (
    <>
      {isArchived && <Badge icon={Archive}>Archived</Badge>}
      {!frontOf(product) && <Badge icon={ImageOff} tone="warn">No front photo: it cannot be shot yet</Badge>}
    </>
  );
  return (
    <Page title={product.name} within="Products" aside={aside} actions={actions}>
      <div className="grid gap-6 lg:grid-cols-[1fr_20rem]">
        <section aria-label="Photos"><Slots product={product} /></section>
        <section aria-label="What it is" className="grid content-start gap-3">
          <ProductEdit key={product.id} product={product} reason={!make && "Editors may change it."} />
          <p className="text-xs text-soft">Added {ago(product.createTime)}, changed {ago(product.updateTime)}</p>
        </section>
      </div>
    </Page>
  );
}
