import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Search } from "lucide-react";
import { useDeferredValue, useState, type ReactNode } from "react";
import { guidelineList, productList, shotTypeList, styleList, subjectList } from "~/api/catalog";
import { ProductPhoto_Slot, type Product } from "~/api/gen/sartiq/catalog/v1/product_pb";
import { cx } from "~/lib/cx";
import { Button } from "~/ui/button";
import { Checkbox, Input, Select } from "~/ui/field";
import { Picture } from "./picture";
import { ErrorPanel, SkeletonGrid, SkeletonRows } from "./state";

/** The media that shows a product from the front. Empty if there is none. */
export function frontOf(product: Product | undefined): string {
  return product?.photos.find((it) => it.slot === ProductPhoto_Slot.FRONT)?.mediaId ?? "";
}

interface One { label: string; value: string; onChange: (id: string) => void; error?: string | undefined; hideLabel?: boolean; disabled?: boolean }
interface Many { value: string[]; onChange: (ids: string[]) => void }

function toggled(ids: string[], id: string): string[] {
  return ids.includes(id) ? ids.filter((it) => it !== id) : [...ids, id];
}

function Named({ items, isPending, ...props }: One & { items: { id: string; name: string }[] | undefined; isPending: boolean }) {
  const { value, onChange, ...rest } = props;
  return (
    <Select {...rest} value={value} onChange={(it) => onChange(it.target.value)} disabled={rest.disabled || isPending}>
      <option value="">{isPending ? "Loading…" : "Choose…"}</option>
      {items?.map((it) => <option key={it.id} value={it.id}>{it.name}</option>)}
    </Select>
  );
}

/** One subject, by name. */
export function SubjectPicker(props: One) {
  const { data, isPending } = useQuery(subjectList());
  return <Named {...props} items={data} isPending={isPending} />;
}

/** One style, by name. */
export function StylePicker(props: One) {
  const { data, isPending } = useQuery(styleList());
  return <Named {...props} items={data} isPending={isPending} />;
}

function Checks({ legend, items, value, onChange }: Many & { legend: string; items: { id: string; name: string; about?: string }[] | undefined }) {
  return (
    <fieldset className="grid gap-1">
      <legend className="mb-1 text-xs font-medium text-soft">{legend}</legend>
      {items ? items.map((it) => (
        <Checkbox
          key={it.id}
          checked={value.includes(it.id)}
          onChange={() => onChange(toggled(value, it.id))}
          label={<span>{it.name}{it.about && <span className="text-soft"> · {it.about}</span>}</span>}
        />
      )) : <SkeletonRows what={legend.toLowerCase()} count={3} />}
      {items?.length === 0 && <p className="text-soft">None yet.</p>}
    </fieldset>
  );
}

/** Any number of guidelines. */
export function GuidelinePicker(props: Many) {
  const { data, error, refetch } = useQuery(guidelineList());
  if (error) return <ErrorPanel error={error} onRetry={refetch} />;
  return <Checks legend="Guidelines" items={data} {...props} />;
}

/** Any number of shot types, in the order they are listed. */
export function ShotTypePicker({ value, onChange }: Many) {
  const { data, error, refetch } = useQuery(shotTypeList());
  if (error) return <ErrorPanel error={error} onRetry={refetch} />;
  const items = data?.map((it) => ({ id: it.id, name: it.name, about: `${it.widthPx} × ${it.heightPx}` }));
  const sorted = (ids: string[]) => data?.filter((it) => ids.includes(it.id)).map((it) => it.id) ?? ids;
  return <Checks legend="Shot types" items={items} value={value} onChange={(ids) => onChange(sorted(ids))} />;
}

/** Any number of products, by picture, with a search. */
export function ProductPicker({ value, onChange, footer }: Many & { footer?: ReactNode }) {
  const [search, setSearch] = useState("");
  const list = useInfiniteQuery(productList(useDeferredValue(search)));
  const found = list.data?.pages.flatMap((it) => it.products) ?? [];
  return (
    <div className="grid gap-3">
      <div className="relative">
        <Search aria-hidden className="absolute left-2.5 top-2 size-4 text-soft" />
        <Input label="Search products" hideLabel placeholder="Name or SKU" value={search} onChange={(it) => setSearch(it.target.value)} className="[&_input]:pl-8" />
      </div>
      {list.error && <ErrorPanel error={list.error} onRetry={list.refetch} />}
      {list.isPending && <SkeletonGrid what="products" count={8} className="aspect-square" />}
      <ul className="grid grid-cols-[repeat(auto-fill,minmax(7rem,1fr))] gap-2">
        {found.map((it) => (
          <li key={it.id}>
            <button
              type="button"
              aria-pressed={value.includes(it.id)}
              onClick={() => onChange(toggled(value, it.id))}
              className={cx("w-full overflow-hidden rounded-md border bg-panel text-left aria-pressed:border-accent aria-pressed:ring-1 aria-pressed:ring-accent")}
            >
              <Picture mediaId={frontOf(it)} alt="" edge={256} className="aspect-square" />
              <span className="block truncate px-2 py-1 text-xs">{it.name}</span>
            </button>
          </li>
        ))}
      </ul>
      {list.data && found.length === 0 && <p className="text-soft">{search ? "No product fits." : "There are no products yet."}</p>}
      {list.hasNextPage && <Button onClick={() => void list.fetchNextPage()} busy={list.isFetchingNextPage}>Show more</Button>}
      {footer}
    </div>
  );
}
