import { ChevronsDown, Trash2 } from "lucide-react";
import { Fragment, useMemo, useRef, type KeyboardEvent } from "react";
import type { ShotType } from "~/api/gen/sartiq/catalog/v1/shot_type_pb";
import type { Look } from "~/api/gen/sartiq/shooting/v1/look_pb";
import type { Composition } from "~/components/composition";
import { useGrid } from "~/components/grid";
import { useShortcuts } from "~/components/shortcuts";
import { undoToast } from "~/components/toast";
import { cx } from "~/lib/cx";
import { count } from "~/lib/format";
import { grouped } from "~/lib/grouped";
import { spread, useWindowed, whole } from "~/lib/windowed";
import { IconButton } from "~/ui/button";
import { Tick } from "~/ui/field";
import { Filler } from "~/ui/table";
import { changesOf, sortedTypes } from "./apply";
import { GuidelineCell, NamedCell, ProductCell, ShotCell } from "./cells";
import { cellsOf, type Cells, type Edits } from "./edits";

interface MatrixProps {
  parts: Composition;
  edits: Edits;
  selected: ReadonlySet<string>;
  onSelect: (ids: ReadonlySet<string>) => void;
  /** Nothing may be changed. */
  isFixed: boolean;
}

const HEAD = "whitespace-nowrap border-b px-2 py-1.5 text-left text-xs font-medium text-soft";
/** Shorter matrices are there whole. */
const WINDOWED_FROM = 40;
const ROW_PX = 53;
/** As wide as their widest cell may be: rows that come and go do not move the others. */
const WIDTHS = { product: "min-w-67 max-xl:min-w-55 max-sm:min-w-47", name: "min-w-54", guidelines: "min-w-40" };
type Column = "subjectId" | "styleId" | "guidelineIds" | `type:${string}`;

/** Looks × shot types. One tab stop; arrows between cells, Enter changes one. */
export function Matrix({ parts, edits, selected, onSelect, isFixed }: MatrixProps) {
  const { looks, shots, shotTypes } = parts;
  const body = useRef<HTMLTableSectionElement>(null);
  const isLong = looks.length >= WINDOWED_FROM;
  const rows = useWindowed(body, { count: isLong ? looks.length : 0, height: ROW_PX, keyOf: (index) => looks[index]?.id ?? "" });
  const { shown, after } = isLong ? spread(rows) : whole(looks.length);
  const grid = useGrid(rows);
  const shotsOf = useMemo(() => grouped(shots, (it) => it.lookId), [shots]);
  const anchor = useRef("");
  const columns = [...shotTypes.values()].filter((type) => looks.some((it) => it.shotTypeIds.includes(type.id)));
  const shotOf = (look: Look, type: ShotType) => shotsOf.get(look.id)?.find((it) => it.shotTypeId === type.id);
  const isUsed = (look: Look, typeId: string) => shotsOf.get(look.id)?.some((it) => it.shotTypeId === typeId && it.generationId) ?? false;
  const all = new Set(looks.map((it) => it.id));

  const change = (label: string, ids: ReadonlySet<string>, next: (cells: Cells) => Partial<Cells>) => edits.edit(label, changesOf(parts, ids, next));
  const setType = (ids: ReadonlySet<string>, type: ShotType, isOn: boolean) => {
    // What was generated stays, and a look without a shot would be none.
    const able = new Set(looks.filter((it) => ids.has(it.id) && (isOn || (!isUsed(it, type.id) && it.shotTypeIds.some((id) => id !== type.id)))).map((it) => it.id));
    const label = `${isOn ? "adding" : "removing"} ${type.name}`;
    change(label, able, (it) => ({ shotTypeIds: isOn ? sortedTypes(parts, [...it.shotTypeIds, type.id]) : it.shotTypeIds.filter((id) => id !== type.id) }));
  };
  /** Gives the looks below, or the selected ones, what this one has in the column. */
  const fill = (look: Look, column: Column) => {
    const below = new Set(looks.slice(looks.indexOf(look) + 1).map((it) => it.id));
    const ids = selected.size > 0 ? selected : below;
    if (column.startsWith("type:")) {
      const type = shotTypes.get(column.slice(5));
      if (type) setType(ids, type, look.shotTypeIds.includes(type.id));
      return;
    }
    change(`filling ${count(ids.size, "look")}`, ids, () => ({ [column]: cellsOf(look)[column as "subjectId"] }));
  };
  const isLocked = (look: Look) => shotsOf.get(look.id)?.some((it) => it.generationId) ?? false;
  const remove = (ids: ReadonlySet<string>) => {
    const gone = looks.filter((it) => ids.has(it.id) && !isLocked(it));
    if (gone.length === 0) return;
    const undo = edits.edit(`removing ${count(gone.length, "look")}`, gone.map((it) => ({ id: it.id, before: cellsOf(it), after: undefined })));
    onSelect(new Set());
    undoToast(`Removed ${count(gone.length, "look")}.`, undo);
  };
  const toggle = (id: string, isRange = false) => {
    const next = new Set(selected);
    const from = looks.findIndex((it) => it.id === anchor.current);
    const to = looks.findIndex((it) => it.id === id);
    if (isRange && from >= 0) looks.slice(Math.min(from, to), Math.max(from, to) + 1).forEach((it) => next.add(it.id));
    else if (!next.delete(id)) next.add(id);
    anchor.current = id;
    onSelect(next);
  };
  /** Does something with the look and column that have the focus; they are elsewhere if it answers false. */
  const at = (act: (look: Look | undefined, column: Column | undefined) => boolean) => ({ target }: Event) => {
    if (!(target instanceof HTMLElement) || target instanceof HTMLSelectElement || !grid.ref.current?.contains(target)) return false;
    return act(looks.find((it) => it.id === target.closest("tr")?.dataset.look), target.closest<HTMLElement>("[data-column]")?.dataset.column as Column | undefined);
  };
  const done = (act: () => void) => {
    act();
    return true;
  };
  useShortcuts("Looks", isFixed ? {} : {
    fill: at((look, column) => Boolean(look && column) && done(() => fill(look!, column!))),
    remove: at((look) => Boolean(look) && done(() => remove(selected.size > 0 ? selected : new Set([look!.id])))),
    selectAll: at(() => done(() => onSelect(selected.size === looks.length ? new Set() : all))),
  });
  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    const target = event.target as HTMLElement;
    if (target.closest("dialog")) return;
    if (event.key !== "Escape" || selected.size === 0 || target instanceof HTMLSelectElement) return grid.onKeyDown(event);
    onSelect(new Set());
    event.preventDefault();
  };

  return (
    <div ref={grid.ref} onFocus={grid.onFocus} onKeyDown={onKeyDown} className="relative overflow-x-auto rounded-lg border bg-panel">
      <table role="grid" aria-label="Looks and their shot types" aria-multiselectable aria-rowcount={looks.length + 1} className="w-full border-collapse">
        <thead>
          <tr aria-rowindex={1}>
            <th scope="col" className={cx(HEAD, "sticky left-0 z-10 bg-panel", isLong && WIDTHS.product)}>
              {isFixed ? "Product" : (
                <span data-cell tabIndex={-1} className="flex items-center gap-2">
                  <Tick data-act tabIndex={-1} aria-label="Select all looks" checked={selected.size === looks.length} isPartly={selected.size > 0 && selected.size < looks.length} onChange={() => onSelect(selected.size === looks.length ? new Set() : all)} className="-m-1" />
                  Product
                </span>
              )}
            </th>
            <th scope="col" className={cx(HEAD, isLong && WIDTHS.name)}>Subject</th>
            <th scope="col" className={cx(HEAD, isLong && WIDTHS.name)}>Style</th>
            <th scope="col" className={cx(HEAD, isLong && WIDTHS.guidelines)}>Guidelines</th>
            {columns.map((type) => {
              const having = looks.filter((it) => it.shotTypeIds.includes(type.id)).length;
              const isAll = having === looks.length;
              return (
                <th key={type.id} scope="col" className={`${HEAD} text-center`}>
                  <button data-cell type="button" tabIndex={-1} disabled={isFixed} onClick={() => setType(all, type, !isAll)} title={isAll ? `Take ${type.name} from all looks` : `Give ${type.name} to all looks`} className="min-h-6 rounded-sm px-1 hover:bg-hover hover:text-ink">
                    <span className="block">{type.name}</span>
                    <span className="block font-normal tabular-nums">{having} of {looks.length}</span>
                  </button>
                </th>
              );
            })}
            <td className="border-b" />
          </tr>
        </thead>
        <tbody ref={body}>
          {shown.map(({ index, before }) => {
            const look = looks[index]!;
            const faults = parts.faults(look);
            const refusals = edits.refusals[look.id] ?? {};
            const set = (label: string, value: Partial<Cells>) => change(label, new Set([look.id]), () => value);
            const cell = { look, parts, faults, refusals, isFixed };
            return (
              <Fragment key={look.id}>
                {before > 0 && <Filler height={before} />}
                <tr ref={isLong ? rows.measureElement : undefined} data-index={index} data-look={look.id} aria-rowindex={index + 2} aria-selected={selected.has(look.id)} className="border-b last:border-0 hover:bg-hover/50 aria-selected:bg-tint/60">
                  <ProductCell {...cell} isSelected={selected.has(look.id)} onSelect={toggle} />
                  <NamedCell {...cell} field="subjectId" noun="Subject" onChange={(subjectId) => set("changing the subject", { subjectId })} />
                  <NamedCell {...cell} field="styleId" noun="Style" onChange={(styleId) => set("changing the style", { styleId })} />
                  <GuidelineCell {...cell} onChange={(guidelineIds) => set("changing the guidelines", { guidelineIds })} onChangeAll={(guidelineIds) => change("changing the guidelines", all, () => ({ guidelineIds }))} />
                  {columns.map((type) => (
                    <ShotCell key={type.id} {...cell} type={type} shot={shotOf(look, type)} onToggle={(isOn) => setType(new Set([look.id]), type, isOn)} />
                  ))}
                  <td data-cell tabIndex={-1} className="whitespace-nowrap px-1 text-right">
                    {!isFixed && (
                      <>
                        <IconButton className="size-7" tabIndex={-1} label={`Fill subject, style, guidelines and shot types of ${look.name} down`} icon={ChevronsDown} reason={index === looks.length - 1 && "There is no look below."} onClick={() => {
                          const { subjectId, styleId, guidelineIds, shotTypeIds } = look;
                          const below = new Set(looks.slice(index + 1).map((it) => it.id));
                          change(`filling ${count(below.size, "look")}`, below, (it) => {
                            const kept = it.shotTypeIds.filter((id) => looks.some((one) => one.productId === it.productId && isUsed(one, id)));
                            return { subjectId, styleId, guidelineIds, shotTypeIds: sortedTypes(parts, [...shotTypeIds, ...kept]) };
                          });
                        }} />
                        <IconButton className="size-7" data-act tabIndex={-1} label={`Remove ${look.name}`} icon={Trash2} reason={isLocked(look) && "Something was generated for it: it stays."} onClick={() => remove(new Set([look.id]))} />
                      </>
                    )}
                  </td>
                </tr>
              </Fragment>
            );
          })}
          {after > 0 && <Filler height={after} />}
        </tbody>
      </table>
    </div>
  );
}
