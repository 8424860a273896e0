import { useState } from "react";
import { ProductPhoto_Slot as Slot } from "~/api/gen/sartiq/catalog/v1/product_pb";
import { SLOT_NAMES } from "~/components/slots";
import { count } from "~/lib/format";
import type { Match } from "~/upload/match";
import { Button } from "~/ui/button";
import { Dialog } from "~/ui/dialog";
import { Select } from "~/ui/field";
import { Segmented } from "~/ui/tabs";
import { Table } from "~/ui/table";

interface MatchFormProps { matches: Match[]; onClose: () => void; onAccept: (matches: Match[]) => void }

/** Proposes which product and view each file is, as its name says. */
export function MatchForm({ matches: proposed, onClose, onAccept }: MatchFormProps) {
  const [mode, setMode] = useState<"name" | "each">("name");
  const [slots, setSlots] = useState<Record<number, Slot>>({});
  const matches = proposed.map((it, index): Match => {
    if (mode === "name") return { ...it, slot: slots[index] ?? it.slot };
    const name = it.file.name.replace(/\.[^.]+$/, "");
    return { ...it, key: String(index), sku: "", name, slot: Slot.FRONT, existing: undefined };
  });
  const products = new Set(matches.map((it) => it.key)).size;
  return (
    <Dialog
      wide
      title={`Add ${count(matches.length, "photo")}`}
      onClose={onClose}
      actions={<Button look="primary" onClick={() => onAccept(matches)}>Add to {count(products, "product")}</Button>}
    >
      <div className="mb-3 flex flex-wrap items-center justify-between gap-3">
        <p className="text-soft">The names of the files say what they show. Accept, or mend what is wrong.</p>
        <Segmented label="How to match" value={mode} onChange={setMode} options={[["name", "By filename"], ["each", "One product per photo"]]} />
      </div>
      <Table
        label="Photos"
        rows={matches.map((it, index) => ({ ...it, index }))}
        rowKey={(it) => String(it.index)}
        columns={[
          { title: "File", cell: (it) => it.file.name },
          { title: "Product", cell: (it) => <>{it.name} <span className="text-soft">{it.existing ? "· is here already" : "· new"}</span></> },
          {
            title: "View", className: "w-40",
            cell: (it) => (
              <Select label={`View of ${it.file.name}`} hideLabel value={it.slot} disabled={mode === "each"} onChange={(event) => setSlots({ ...slots, [it.index]: Number(event.target.value) })}>
                {SLOT_NAMES.map(([slot, name]) => <option key={slot} value={slot}>{name}</option>)}
              </Select>
            ),
          },
        ]}
      />
    </Dialog>
  );
}
