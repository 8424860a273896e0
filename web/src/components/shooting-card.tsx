import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import type { Prediction } from "~/api/gen/sartiq/generation/v1/prediction_pb";
import type { Shooting } from "~/api/gen/sartiq/shooting/v1/shooting_pb";
import { latestPictures } from "~/api/generation";
import { ago } from "~/lib/format";
import { Picture } from "./picture";
import { shotTotal, StageBar } from "./stages";
import { ShootingBadge } from "./states";

/** Whether anything was started for a shooting, or is being made. */
export function isBegun({ shots }: Shooting): boolean {
  return shotTotal(shots) > (shots?.planned ?? 0);
}

/** One picture of each of the shots that were made last. */
export function useCovers(shooting: Shooting, count: number): string[] {
  const { data = [] } = useQuery({ ...latestPictures(shooting.id), enabled: isBegun(shooting) });
  const newest = new Map<string, Prediction>();
  for (const it of data) if (!newest.has(it.shotId)) newest.set(it.shotId, it);
  return [...newest.values()].slice(0, count).map((it) => it.mediaId);
}

/** A shooting by its pictures, how its shots stand, and what there is to say of it here. */
export function ShootingCard({ shooting, to, says }: { shooting: Shooting; to: string; says: string }) {
  const covers = useCovers(shooting, 4);
  const { name, brief, state, shots, updateTime } = shooting;
  const isEmpty = !isBegun(shooting);
  return (
    <Link to={to} title={name} className="group flex h-full flex-col overflow-hidden rounded-lg border bg-panel hover:border-edge">
      {!isEmpty && (
        // As high as it will be, however many pictures there are.
        <span className="grid aspect-[16/5] grid-cols-4 gap-px border-b">
          {covers.map((it) => <Picture key={it} mediaId={it} alt="" edge={256} className="size-full" />)}
        </span>
      )}
      <span className="grid gap-1 px-3 py-2">
        <span className="flex items-baseline gap-2">
          <span className="min-w-0 flex-1 truncate font-medium group-hover:underline">{name}</span>
          <ShootingBadge state={state} />
        </span>
        {isEmpty && brief && <span className="line-clamp-2 text-soft">{brief}</span>}
        <span className="flex justify-between gap-2 text-xs text-soft"><span className="truncate">{says}</span><span className="shrink-0">{ago(updateTime)}</span></span>
        {!isEmpty && <StageBar shots={shots} className="mt-0.5" />}
      </span>
    </Link>
  );
}

/** As many cards beside each other as fit. */
export const CARDS = "grid gap-3 [grid-template-columns:repeat(auto-fill,minmax(min(19rem,100%),1fr))]";
