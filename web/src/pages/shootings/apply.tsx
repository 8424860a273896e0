import { Plus } from "lucide-react";
import { useState } from "react";
import type { Composition } from "~/components/composition";
import { StylePicker, SubjectPicker } from "~/components/pickers";
import { count } from "~/lib/format";
import { Button } from "~/ui/button";
import { Menu, MenuItem, MenuLabel } from "~/ui/menu";
import { cellsOf, type Cells, type Change, type Edits } from "./edits";

/** The changes that give each look what `next` answers, as far as it differs. */
export function changesOf(parts: Composition, ids: ReadonlySet<string>, next: (cells: Cells) => Partial<Cells>): Change[] {
  return parts.looks.filter((it) => ids.has(it.id)).flatMap((look) => {
    const before = cellsOf(look);
    const after = { ...before, ...next(before) };
    return JSON.stringify(before) === JSON.stringify(after) ? [] : [{ id: look.id, before, after }];
  });
}

/** The shot types of `ids`, in the order they are listed. */
export function sortedTypes(parts: Composition, ids: string[]): string[] {
  return [...parts.shotTypes.keys()].filter((it) => ids.includes(it));
}

/** One choice of subject and style for all looks, or for the selected ones; and one more shot type for them. */
export function ApplyBar({ parts, edits, selected }: { parts: Composition; edits: Edits; selected: ReadonlySet<string> }) {
  const [subjectId, setSubjectId] = useState("");
  const [styleId, setStyleId] = useState("");
  const isSome = selected.size > 0;
  const ids = isSome ? selected : new Set(parts.looks.map((it) => it.id));
  const whom = isSome ? `${selected.size} selected` : `all ${parts.looks.length}`;
  const apply = () =>
    edits.edit(`applying to ${count(ids.size, "look")}`, changesOf(parts, ids, () => ({ ...(subjectId && { subjectId }), ...(styleId && { styleId }) })));
  const more = [...parts.shotTypes.values()].filter((type) => parts.looks.some((it) => ids.has(it.id) && !it.shotTypeIds.includes(type.id)));
  const add = (id: string, name: string) =>
    edits.edit(`adding ${name}`, changesOf(parts, ids, (it) => ({ shotTypeIds: sortedTypes(parts, [...it.shotTypeIds, id]) })));
  return (
    <section aria-label="For all looks" className="flex flex-wrap items-end gap-2">
      <div className="w-36 max-sm:w-[calc(50%-0.25rem)]"><SubjectPicker label={`Subject for ${isSome ? "the selected" : "all"} looks`} value={subjectId} onChange={setSubjectId} /></div>
      <div className="w-36 max-sm:w-[calc(50%-0.25rem)]"><StylePicker label={`Style for ${isSome ? "the selected" : "all"} looks`} value={styleId} onChange={setStyleId} /></div>
      <Button onClick={apply} reason={!subjectId && !styleId && "Choose a subject or a style first."}>Apply to {whom}</Button>
      <Menu align="start" trigger={<Button icon={Plus}>Shot type</Button>}>
        <MenuLabel>Add to {whom}</MenuLabel>
        {more.map((it) => <MenuItem key={it.id} onSelect={() => add(it.id, it.name)}>{it.name}</MenuItem>)}
        {more.length === 0 && <MenuLabel>All have every shot type.</MenuLabel>}
      </Menu>
    </section>
  );
}
