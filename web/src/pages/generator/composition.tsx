import { TriangleAlert } from "lucide-react";
import { useEffect, useRef } from "react";
import type { Look } from "~/api/gen/sartiq/shooting/v1/look_pb";
import { Shot_State, type Shot } from "~/api/gen/sartiq/shooting/v1/shot_pb";
import type { Composition } from "~/components/composition";
import { frontOf } from "~/components/pickers";
import { Picture } from "~/components/picture";
import { ShotBadge } from "~/components/states";
import { cx } from "~/lib/cx";

interface Props {
  parts: Composition;
  picked: ReadonlySet<string>;
  isBusy: (shot: Shot) => boolean;
  onPick: (ids: ReadonlySet<string>) => void;
}

function Check({ label, isOn, isPartly, isOff, onChange }: { label: string; isOn: boolean; isPartly?: boolean; isOff?: boolean; onChange: () => void }) {
  const ref = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (ref.current) ref.current.indeterminate = Boolean(isPartly);
  }, [isPartly]);
  return (
    <label className="-m-1 grid size-6 shrink-0 place-items-center">
      <input ref={ref} type="checkbox" aria-label={label} checked={isOn} disabled={isOff} onChange={onChange} className="size-4 accent-fill" />
    </label>
  );
}

/** What can be generated, look by look, and what of it shall be. */
export function CompositionPanel({ parts, picked, isBusy, onPick }: Props) {
  const set = (ids: string[], isOn: boolean) => {
    const next = new Set(picked);
    for (const id of ids) if (isOn) next.add(id); else next.delete(id);
    onPick(next);
  };
  const free = parts.shots.filter((it) => !isBusy(it));
  const planned = free.filter((it) => it.state === Shot_State.PLANNED);
  const isAll = free.length > 0 && free.every((it) => picked.has(it.id));
  return (
    <section aria-label="Composition" className="min-w-0 lg:row-span-2 xl:row-span-1">
      <header className="mb-1.5 flex min-h-6 items-center gap-2">
        <Check label="All shots" isOn={isAll} isPartly={!isAll && picked.size > 0} isOff={free.length === 0} onChange={() => onPick(new Set(isAll ? [] : free.map((it) => it.id)))} />
        <h2 className="font-semibold">Shots</h2>
        <span className="text-xs text-soft tabular-nums">{picked.size} of {parts.shots.length} chosen</span>
        {planned.length > 0 && planned.length < free.length && (
          <button type="button" onClick={() => onPick(new Set(planned.map((it) => it.id)))} className="ml-auto min-h-6 text-xs text-accent hover:underline">Planned only</button>
        )}
      </header>
      <ul className="divide-y overflow-hidden rounded-lg border bg-panel lg:max-h-[calc(100dvh-11rem)] lg:overflow-y-auto max-lg:max-h-72 max-lg:overflow-y-auto" tabIndex={0} aria-label="Looks">
        {parts.looks.map((look) => (
          <LookItem key={look.id} look={look} parts={parts} shots={parts.shots.filter((it) => it.lookId === look.id)} picked={picked} isBusy={isBusy} onSet={set} />
        ))}
      </ul>
    </section>
  );
}

function LookItem({ look, parts, shots, picked, isBusy, onSet }: Omit<Props, "onPick"> & { look: Look; shots: Shot[]; onSet: (ids: string[], isOn: boolean) => void }) {
  const free = shots.filter((it) => !isBusy(it));
  const on = free.filter((it) => picked.has(it.id)).length;
  const isAll = free.length > 0 && on === free.length;
  const faults = parts.faults(look);
  const names = [parts.subjects.get(look.subjectId)?.name, parts.styles.get(look.styleId)?.name].filter(Boolean).join(" · ");
  return (
    <li className="p-2">
      <div className="flex items-center gap-2">
        <Check label={look.name} isOn={isAll} isPartly={!isAll && on > 0} isOff={free.length === 0} onChange={() => onSet(free.map((it) => it.id), !isAll)} />
        <Picture mediaId={frontOf(parts.products.get(look.productId))} alt="" edge={256} className="h-10 w-8 shrink-0 rounded-sm" />
        <div className="min-w-0">
          <p className="truncate font-medium">{look.name}</p>
          <p className="truncate text-xs text-soft">{names}</p>
        </div>
      </div>
      {faults.map((it) => (
        <p key={it.field} className={cx("mt-1 flex items-center gap-1 pl-6 text-xs", it.isWarning ? "text-warn" : "text-bad")}><TriangleAlert aria-hidden className="size-3 shrink-0" />{it.reason}</p>
      ))}
      <ul className="mt-1 grid gap-0.5 pl-6">
        {shots.map((shot) => (
          <li key={shot.id}>
            <label className="flex min-h-6 items-center gap-2">
              <input type="checkbox" checked={picked.has(shot.id)} disabled={isBusy(shot)} onChange={(it) => onSet([shot.id], it.target.checked)} className="size-3.5 shrink-0 accent-fill" />
              <span className="min-w-0 flex-1 truncate text-xs">{parts.shotTypes.get(shot.shotTypeId)?.name ?? "Shot"}<span className="sr-only"> of {look.name}</span></span>
              <ShotBadge state={isBusy(shot) && shot.state !== Shot_State.REVISION_REQUESTED ? Shot_State.GENERATING : shot.state} />
            </label>
          </li>
        ))}
      </ul>
    </li>
  );
}
