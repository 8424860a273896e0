import { TriangleAlert } from "lucide-react";
import { useMemo, useRef } from "react";
import type { Look } from "~/api/gen/sartiq/shooting/v1/look_pb";
import { Shot_State, type Shot } from "~/api/gen/sartiq/shooting/v1/shot_pb";
import type { Composition } from "~/components/composition";
import { frontOf } from "~/components/pickers";
import { Picture } from "~/components/picture";
import { ShotBadge } from "~/components/states";
import { cx } from "~/lib/cx";
import { grouped } from "~/lib/grouped";
import { spread, useWindowed, whole } from "~/lib/windowed";
import { Tick } from "~/ui/field";

interface Props {
  parts: Composition;
  picked: ReadonlySet<string>;
  isBusy: (shot: Shot) => boolean;
  onPick: (ids: ReadonlySet<string>) => void;
}

/** Shorter lists are there whole. */
const WINDOWED_FROM = 40;
const LOOK_PX = 120;

/** What can be generated, look by look, and what of it shall be. */
export function CompositionPanel({ parts, picked, isBusy, onPick }: Props) {
  const set = (ids: string[], isOn: boolean) => {
    const next = new Set(picked);
    for (const id of ids) if (isOn) next.add(id); else next.delete(id);
    onPick(next);
  };
  const list = useRef<HTMLUListElement>(null);
  const isLong = parts.looks.length >= WINDOWED_FROM;
  const rows = useWindowed(list, { count: isLong ? parts.looks.length : 0, height: LOOK_PX, keyOf: (index) => parts.looks[index]?.id ?? "" });
  const { shown, after } = isLong ? spread(rows) : whole(parts.looks.length);
  const shotsOf = useMemo(() => grouped(parts.shots, (it) => it.lookId), [parts.shots]);
  const free = parts.shots.filter((it) => !isBusy(it));
  const planned = free.filter((it) => it.state === Shot_State.PLANNED);
  const isAll = free.length > 0 && free.every((it) => picked.has(it.id));
  return (
    <section aria-label="Composition" className="min-w-0 lg:row-span-2 xl:row-span-1">
      <header className="mb-1.5 flex min-h-6 items-center gap-2">
        <Tick aria-label="All shots" checked={isAll} isPartly={!isAll && picked.size > 0} disabled={free.length === 0} className="-m-1" onChange={() => onPick(new Set(isAll ? [] : free.map((it) => it.id)))} />
        <h2 className="font-semibold">Shots</h2>
        <span className="text-xs text-soft tabular-nums">{picked.size} of {parts.shots.length} chosen</span>
        {planned.length > 0 && planned.length < free.length && (
          <button type="button" onClick={() => onPick(new Set(planned.map((it) => it.id)))} className="ml-auto min-h-6 text-xs text-accent hover:underline">Planned only</button>
        )}
      </header>
      <div data-frame tabIndex={0} role="group" aria-label="Looks and their shots" className="overflow-y-auto rounded-lg border bg-panel lg:max-h-[calc(100dvh-11rem)] max-lg:max-h-72">
        <ul ref={list} aria-label="Looks" style={{ paddingBottom: after }}>
          {shown.map(({ index, before }) => {
            const look = parts.looks[index]!;
            return (
              <li
                key={look.id} ref={isLong ? rows.measureElement : undefined} data-index={index} aria-setsize={parts.looks.length} aria-posinset={index + 1}
                style={{ marginTop: before }} className="border-b p-2 last:border-0"
              >
                <LookItem look={look} parts={parts} shots={shotsOf.get(look.id) ?? []} picked={picked} isBusy={isBusy} onSet={set} />
              </li>
            );
          })}
        </ul>
      </div>
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
    <>
      <div className="flex items-center gap-2">
        <Tick aria-label={look.name} checked={isAll} isPartly={!isAll && on > 0} disabled={free.length === 0} className="-m-1" onChange={() => onSet(free.map((it) => it.id), !isAll)} />
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
              <input type="checkbox" checked={picked.has(shot.id)} disabled={isBusy(shot)} onChange={(it) => onSet([shot.id], it.target.checked)} className="size-4 shrink-0 accent-fill" />
              <span className="min-w-0 flex-1 truncate text-xs">{parts.shotTypes.get(shot.shotTypeId)?.name ?? "Shot"}<span className="sr-only"> of {look.name}</span></span>
              <ShotBadge state={isBusy(shot) && shot.state !== Shot_State.REVISION_REQUESTED ? Shot_State.GENERATING : shot.state} />
            </label>
          </li>
        ))}
      </ul>
    </>
  );
}
