import { useInfiniteQuery } from "@tanstack/react-query";
import { Plus, Search, Shirt, Upload } from "lucide-react";
import { useDeferredValue, useRef, useState } from "react";
import { useSearchParams } from "react-router";
import { productList } from "~/api/catalog";
import { useRights } from "~/api/identity";
import { DropZone } from "~/components/drop-zone";
import { FileButton } from "~/components/file-button";
import { Page } from "~/components/page";
import { ProductTile } from "~/components/product-tile";
import { useShortcuts } from "~/components/shortcuts";
import { TileGrid } from "~/components/tile-grid";
import { Empty, ErrorPanel, NoMatch, SkeletonGrid } from "~/components/state";
import { errorToast } from "~/components/toast";
import { EndOfList } from "~/components/end-of-list";
import { MatchForm } from "~/forms/product-match";
import { ProductCreate } from "~/forms/product-create";
import type { Match } from "~/upload/match";
import { matchAll, orders } from "~/upload/place";
import { enqueue, refuse } from "~/upload/queue";
import { unfit } from "~/upload/fitness";
import { Button } from "~/ui/button";
import { Checkbox, Input } from "~/ui/field";

export default function Products() {
  const [params, setParams] = useSearchParams();
  const search = params.get("search") ?? "";
  const showArchived = params.has("archived");
  const set = (name: string, value: string) =>
    setParams((before) => { if (value) before.set(name, value); else before.delete(name); return before; }, { replace: true });
  const list = useInfiniteQuery(productList(useDeferredValue(search), showArchived));
  const found = list.data?.pages.flatMap((it) => it.products) ?? [];
  const { make } = useRights();
  const [matches, setMatches] = useState<Match[]>();
  const [isCreating, setCreating] = useState(false);
  const searchBox = useRef<HTMLDivElement>(null);
  useShortcuts("Products", { search: () => searchBox.current?.querySelector("input")?.focus() });

  const bring = async (files: File[]) => {
    // What cannot be taken is explained at once; the rest does not wait for it.
    refuse(files.filter(unfit));
    try {
      const proposed = await matchAll(files.filter((it) => !unfit(it)));
      // A sheet is shown only where names say more than which product is which.
      if (proposed.some((it) => it.sku)) setMatches(proposed);
      else enqueue(orders(proposed));
    } catch (error) {
      errorToast(error);
    }
  };
  const addPhotos = <FileButton look="primary" icon={Upload} multiple onFiles={(it) => void bring(it)}>Add photos</FileButton>;
  const isFiltered = search !== "" || showArchived;
  return (
    <Page
      title="Products"
      actions={make && <><Button icon={Plus} onClick={() => setCreating(true)}>New product</Button>{addPhotos}</>}
      below={
        <div ref={searchBox} className="flex items-center gap-x-4">
          <div className="relative w-72 min-w-0">
            <Search aria-hidden className="absolute left-2.5 top-2 size-4 text-soft" />
            <Input label="Search products" hideLabel type="search" placeholder="Name or SKU" value={search} onChange={(it) => set("search", it.target.value)} className="[&_input]:pl-8" />
          </div>
          <Checkbox label="Archived, too" className="shrink-0" checked={showArchived} onChange={(it) => set("archived", it.target.checked ? "1" : "")} />
        </div>
      }
    >
      {list.error && <ErrorPanel error={list.error} onRetry={list.refetch} />}
      {list.isPending && <SkeletonGrid what="products" count={18} />}
      {list.data && found.length === 0 && (isFiltered
        ? <NoMatch filters={search ? `“${search}”` : "the filter"} onClear={() => setParams({}, { replace: true })} />
        : <Empty icon={Shirt} title="No products yet" action={make && addPhotos}>
            {make ? "Drop photos or a whole folder anywhere on this page: each becomes a product, and names such as TOTE-01_back.jpg are matched." : "Editors add them."}
          </Empty>)}
      {found.length > 0 && <TileGrid label="Products" items={found} keyOf={(it) => it.id}>{(it) => <ProductTile product={it} />}</TileGrid>}
      <EndOfList list={list} />
      {make && <DropZone label="Drop to add photos" onFiles={(it) => void bring(it)} />}
      {isCreating && <ProductCreate onClose={() => setCreating(false)} />}
      {matches && <MatchForm matches={matches} onClose={() => setMatches(undefined)} onAccept={(it) => { enqueue(orders(it)); setMatches(undefined); }} />}
    </Page>
  );
}
