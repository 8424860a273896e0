import { Check, ChevronDown, TriangleAlert } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { Link } from "react-router";
import { useQuery } from "@tanstack/react-query";
import { guidelineList } from "~/api/catalog";
import type { ShotType } from "~/api/gen/sartiq/catalog/v1/shot_type_pb";
import type { Look } from "~/api/gen/sartiq/shooting/v1/look_pb";
import { Shot_State, type Shot } from "~/api/gen/sartiq/shooting/v1/shot_pb";
import type { Composition, Fault, Field } from "~/components/composition";
import { frontOf, GuidelinePicker } from "~/components/pickers";
import { Picture } from "~/components/picture";
import { ShotBadge } from "~/components/states";
import { cx } from "~/lib/cx";
import { paths } from "~/paths";
import { Button } from "~/ui/button";
import { Dialog } from "~/ui/dialog";
import { Tick } from "~/ui/field";

export interface CellProps {
  look: Look;
  parts: Composition;
  faults: Fault[];
  /** What the server refused, by field. */
  refusals: Record<string, string>;
  isFixed: boolean;
}

/** Why a cell is bad: an icon and the reason. */
function Reason({ faults, refusals, field }: Pick<CellProps, "faults" | "refusals"> & { field: Field }) {
  const fault = faults.find((it) => it.field === field);
  const text = refusals[field] ?? fault?.reason;
  if (!text) return null;
  return (
    <span role={refusals[field] ? "alert" : undefined} className={cx("flex max-w-48 items-start gap-1 text-xs", fault?.isWarning && !refusals[field] ? "text-warn" : "text-bad")}>
      <TriangleAlert aria-hidden className="mt-0.5 size-3 shrink-0" />{text}
    </span>
  );
}

/** What stands over others is opaque: the colours of the row, mixed with what is behind it. */
const AS_ITS_ROW =
  "in-[tr:hover]:bg-[color-mix(in_srgb,var(--color-hover)_50%,var(--color-panel))] " +
  "in-[tr[aria-selected=true]]:bg-[color-mix(in_srgb,var(--color-tint)_60%,var(--color-panel))]";

export function ProductCell({ look, parts, faults, refusals, isFixed, isSelected, onSelect }: CellProps & { isSelected: boolean; onSelect: (id: string, isRange?: boolean) => void }) {
  const product = parts.products.get(look.productId);
  const isBad = faults.some((it) => it.field === "productId");
  return (
    <th scope="row" data-cell tabIndex={-1} className={cx("sticky left-0 z-10 bg-panel px-2 py-1 text-left font-normal", AS_ITS_ROW)}>
      <span className="flex items-center gap-2">
        {!isFixed && (
          <Tick
            data-act
            tabIndex={-1}
            aria-label={`Select ${look.name}`}
            checked={isSelected}
            onChange={() => undefined}
            onClick={(event) => onSelect(look.id, event.shiftKey)}
            className="-m-1"
          />
        )}
        <Picture mediaId={frontOf(product)} alt="" edge={256} className="h-11 w-9 shrink-0 rounded-sm" />
        <span className="min-w-0 max-w-44 max-xl:max-w-32 max-sm:max-w-24">
          <Link to={paths.product(look.productId)} tabIndex={-1} title={look.name} className="block truncate font-medium leading-6 hover:underline">{look.name}</Link>
          {isBad ? <Reason faults={faults} refusals={refusals} field="productId" /> : <span className="block truncate text-xs text-soft">{product?.sku}</span>}
        </span>
      </span>
    </th>
  );
}

/** A cell that shows a name, and lets another be chosen where it stands. */
export function NamedCell({ look, parts, faults, refusals, isFixed, field, noun, onChange }: CellProps & { field: "subjectId" | "styleId"; noun: string; onChange: (id: string) => void }) {
  const [isOpen, setOpen] = useState(false);
  const select = useRef<HTMLSelectElement>(null);
  const cell = useRef<HTMLTableCellElement>(null);
  useEffect(() => {
    if (!isOpen) return;
    select.current?.focus();
    // Opens the list at once where the browser can; the focus is there in any case.
    try { select.current?.showPicker?.(); } catch { /* Not allowed without a click. */ }
  }, [isOpen]);
  const close = () => {
    setOpen(false);
    cell.current?.focus();
  };
  const items = field === "subjectId" ? parts.subjects : parts.styles;
  const present = items.get(look[field]);
  const portrait = field === "subjectId" ? parts.subjects.get(look.subjectId)?.portraitMediaId : undefined;
  return (
    <td ref={cell} data-cell data-column={field} tabIndex={-1} className="px-1 py-1">
      {isOpen ? (
        <select
          ref={select}
          aria-label={`${noun} of ${look.name}`}
          value={look[field]}
          onBlur={() => setOpen(false)}
          onKeyDown={(event) => { if (event.key === "Escape") { event.stopPropagation(); close(); } }}
          onChange={(event) => { onChange(event.target.value); close(); }}
          className="h-8 w-36 rounded-md border border-edge bg-panel px-1"
        >
          {!present && <option value="">Choose…</option>}
          {[...items.values()].map((it) => <option key={it.id} value={it.id}>{it.name}</option>)}
        </select>
      ) : (
        <button data-act type="button" tabIndex={-1} disabled={isFixed} aria-label={`${noun} of ${look.name}: ${present?.name ?? "none"}`} onClick={() => setOpen(true)} className="group flex min-h-8 w-full items-center gap-1.5 rounded-md px-1 text-left enabled:hover:bg-hover">
          {portrait && <Picture mediaId={portrait} alt="" edge={256} className="size-7 shrink-0 rounded-full" />}
          <span className="min-w-0 max-w-36 flex-1 truncate">{present?.name ?? "–"}</span>
          {!isFixed && <ChevronDown aria-hidden className="size-3 shrink-0 text-soft opacity-0 group-hover:opacity-100" />}
        </button>
      )}
      <Reason faults={faults} refusals={refusals} field={field} />
    </td>
  );
}

export function GuidelineCell({ look, faults, refusals, isFixed, onChange, onChangeAll }: CellProps & { onChange: (ids: string[]) => void; onChangeAll: (ids: string[]) => void }) {
  const { data } = useQuery(guidelineList());
  const [draft, setDraft] = useState<string[]>();
  const names = data?.filter((it) => look.guidelineIds.includes(it.id)).map((it) => it.name).join(", ");
  const save = (write: (ids: string[]) => void) => {
    write(draft ?? []);
    setDraft(undefined);
  };
  return (
    <td data-cell data-column="guidelineIds" tabIndex={-1} className="px-1 py-1">
      <button data-act type="button" tabIndex={-1} disabled={isFixed} aria-label={`Guidelines of ${look.name}: ${names || "none"}`} onClick={() => setDraft(look.guidelineIds)} className="min-h-8 w-full max-w-36 truncate rounded-md px-1 text-left enabled:hover:bg-hover">
        {names || <span className="text-soft">None</span>}
      </button>
      <Reason faults={faults} refusals={refusals} field="guidelineIds" />
      {draft && (
        <Dialog
          title={`Guidelines of ${look.name}`}
          onClose={() => setDraft(undefined)}
          actions={<><Button onClick={() => save(onChangeAll)}>Apply to all looks</Button><Button look="primary" onClick={() => save(onChange)}>Apply</Button></>}
        >
          <GuidelinePicker value={draft} onChange={setDraft} />
        </Dialog>
      )}
    </td>
  );
}

/** Whether a look has a shot of a type; once something was generated, how that stands. */
export function ShotCell({ look, refusals, isFixed, type, shot, onToggle }: CellProps & { type: ShotType; shot: Shot | undefined; onToggle: (isOn: boolean) => void }) {
  const isOn = look.shotTypeIds.includes(type.id);
  const isUsed = Boolean(shot?.generationId) || (shot !== undefined && shot.state !== Shot_State.PLANNED);
  const isLast = isOn && look.shotTypeIds.length === 1;
  const reason = isLast ? "A look has at least one shot." : undefined;
  return (
    <td data-cell data-column={`type:${type.id}`} tabIndex={-1} className="px-2 py-1 text-center">
      {isOn && isUsed ? (
        <Link data-act tabIndex={-1} to={paths.shootingReview(look.shootingId, shot!.id)} className="inline-flex min-h-6 items-center"><ShotBadge state={shot!.state} /><span className="sr-only">: review {type.name} of {look.name}</span></Link>
      ) : (
        <button
          data-act
          type="button"
          role="checkbox"
          tabIndex={-1}
          aria-checked={isOn}
          aria-label={`${type.name} of ${look.name}`}
          aria-disabled={isFixed || isLast || undefined}
          title={reason}
          onClick={() => !isFixed && !isLast && onToggle(!isOn)}
          className={cx("inline-grid size-6 place-items-center rounded-sm border aria-disabled:cursor-not-allowed", isOn ? "border-transparent bg-tint text-accent" : "border-edge/60 hover:bg-hover")}
        >
          {isOn && <Check aria-hidden className="size-4" />}
        </button>
      )}
      {refusals.shotTypeIds && <Reason faults={[]} refusals={refusals} field="shotTypeIds" />}
    </td>
  );
}
