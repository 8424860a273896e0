import { ChevronsDown, Trash2 } from "lucide-react";
import { useRef, type KeyboardEvent } from "react";
import type { ShotType } from "~/api/gen/sartiq/catalog/v1/shot_type_pb";
import type { Look } from "~/api/gen/sartiq/shooting/v1/look_pb";
import type { Composition } from "~/components/composition";
import { useGrid } from "~/components/grid";
import { undoToast } from "~/components/toast";
import { count } from "~/lib/format";
import { IconButton } from "~/ui/button";
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
type Column = "subjectId" | "styleId" | "guidelineIds" | `type:${string}`;

/** Looks × shot types. One tab stop; arrows between cells, Enter changes one, Mod+D fills it down. */
export function Matrix({ parts, edits, selected, onSelect, isFixed }: MatrixProps) {
  const { looks, shots, shotTypes } = parts;
  const grid = useGrid();
  const anchor = useRef("");
  const columns = [...shotTypes.values()].filter((type) => looks.some((it) => it.shotTypeIds.includes(type.id)));
  const shotOf = (look: Look, type: ShotType) => shots.find((it) => it.lookId === look.id && it.shotTypeId === type.id);
  const isUsed = (look: Look, typeId: string) => shots.some((it) => it.lookId === look.id && it.shotTypeId === typeId && it.generationId);
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
  const isLocked = (look: Look) => shots.some((it) => it.lookId === look.id && it.generationId);
  const remove = (ids: ReadonlySet<string>) => {
    const gone = looks.filter((it) => ids.has(it.id) && !isLocked(it));
    if (gone.length === 0) return;
    edits.edit(`removing ${count(gone.length, "look")}`, gone.map((it) => ({ id: it.id, before: cellsOf(it), after: undefined })));
    onSelect(new Set());
    undoToast(`Removed ${count(gone.length, "look")}.`, edits.undo);
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
  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    const target = event.target as HTMLElement;
    if (target.closest("dialog")) return;
    const look = looks.find((it) => it.id === target.closest("tr")?.dataset.look);
    const column = target.closest<HTMLElement>("[data-column]")?.dataset.column as Column | undefined;
    const isMod = event.ctrlKey || event.metaKey;
    if (!isFixed && look && isMod && event.key.toLowerCase() === "d" && column) fill(look, column);
    else if (!isFixed && look && event.key === "Delete") remove(selected.size > 0 ? selected : new Set([look.id]));
    else if (isMod && event.key.toLowerCase() === "a") onSelect(selected.size === looks.length ? new Set() : all);
    else if (event.key === "Escape" && selected.size > 0 && !(target instanceof HTMLSelectElement)) onSelect(new Set());
    else return grid.onKeyDown(event);
    event.preventDefault();
  };

  return (
    <div ref={grid.ref} onFocus={grid.onFocus} onKeyDown={onKeyDown} className="relative overflow-x-auto rounded-lg border bg-panel">
      <table role="grid" aria-label="Looks and their shot types" aria-multiselectable aria-rowcount={looks.length + 1} className="w-full border-collapse">
        <thead>
          <tr>
            <th scope="col" className={`${HEAD} sticky left-0 z-10 bg-panel`}>
              {isFixed ? "Product" : (
                <span data-cell tabIndex={-1} className="flex items-center gap-2">
                  <input data-act type="checkbox" tabIndex={-1} aria-label="Select all looks" checked={selected.size === looks.length} onChange={() => onSelect(selected.size === looks.length ? new Set() : all)} className="size-4 accent-fill" />
                  Product
                </span>
              )}
            </th>
            <th scope="col" className={HEAD}>Subject</th>
            <th scope="col" className={HEAD}>Style</th>
            <th scope="col" className={HEAD}>Guidelines</th>
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
        <tbody>
          {looks.map((look, index) => {
            const faults = parts.faults(look);
            const refusals = edits.refusals[look.id] ?? {};
            const set = (label: string, value: Partial<Cells>) => change(label, new Set([look.id]), () => value);
            const cell = { look, parts, faults, refusals, isFixed };
            return (
              <tr key={look.id} data-look={look.id} aria-rowindex={index + 2} aria-selected={selected.has(look.id)} className="border-b last:border-0 hover:bg-hover/50 aria-selected:bg-tint/60">
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
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
