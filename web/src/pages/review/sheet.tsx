import { useQuery } from "@tanstack/react-query";
import { CircleCheckBig } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { Link } from "react-router";
import { Shot_State } from "~/api/gen/sartiq/shooting/v1/shot_pb";
import { predictionList, predictionQuery } from "~/api/generation";
import { useProgress } from "~/api/progress";
import { Picture } from "~/components/picture";
import { useShortcuts } from "~/components/shortcuts";
import { Empty, NoMatch } from "~/components/state";
import { ShotBadge } from "~/components/states";
import { Progress } from "~/ui/progress";
import { isReady, type Frame } from "./reel";

export const FILTERS = { all: 0, waiting: Shot_State.TO_REVIEW, approved: Shot_State.APPROVED, rejected: Shot_State.REJECTED, revision: Shot_State.REVISION_REQUESTED } as const;
export type Filter = keyof typeof FILTERS;

interface SheetProps { frames: Frame[]; filter: Filter; onClear: () => void; hrefOf: (shotId: string) => string; onOpen: (shotId: string) => void; focus: string }

/** All shots at a glance. One tab stop; arrows move, Enter opens. */
export function Sheet({ frames, filter, onClear, hrefOf, onOpen, focus }: SheetProps) {
  const shown = frames.filter(({ shot }) => filter === "all" || shot.state === FILTERS[filter]);
  const list = useRef<HTMLUListElement>(null);
  const [active, setActive] = useState(focus);
  const at = Math.max(0, shown.findIndex((it) => it.shot.id === active));
  const links = () => [...(list.current?.querySelectorAll("a") ?? [])];
  const move = (to: number) => links()[Math.min(shown.length - 1, Math.max(0, to))]?.focus();
  const columns = () => {
    const all = links();
    const below = all.findIndex((it) => it.offsetTop > all[0]!.offsetTop);
    return below < 0 ? all.length : below;
  };
  useEffect(() => {
    if (focus) links().find((it) => it.dataset.shot === focus)?.focus();
    // Once, where it was left.
  }, []);
  useShortcuts("Contact sheet", [
    { keys: "arrowright", label: "Next shot", run: () => move(isIn(list) ? at + 1 : at) },
    { keys: "arrowleft", label: "Shot before", run: () => move(isIn(list) ? at - 1 : at) },
    { keys: "arrowdown", label: "Row below", run: () => move(isIn(list) ? at + columns() : at) },
    { keys: "arrowup", label: "Row above", run: () => move(isIn(list) ? at - columns() : at) },
    { keys: "home", label: "First shot", run: () => move(0) },
    { keys: "end", label: "Last shot", run: () => move(shown.length - 1) },
    { keys: "m", label: "Single view", run: () => shown[at] && onOpen(shown[at].shot.id) },
    { keys: "enter", label: "Open the shot", run: () => shown[at] && onOpen(shown[at].shot.id) },
  ]);
  if (frames.length === 0) return <Empty icon={CircleCheckBig} title="Nothing to review yet">Pictures show up here as soon as the first is made.</Empty>;
  if (shown.length === 0) return <NoMatch filters="the chosen state" onClear={onClear} />;
  return (
    <ul ref={list} aria-label="Contact sheet" className="grid grid-cols-[repeat(auto-fill,minmax(9.5rem,1fr))] gap-3">
      {shown.map((it, index) => (
        <li key={it.shot.id} className="[contain-intrinsic-size:10rem_16rem] [content-visibility:auto]">
          <Link
            to={hrefOf(it.shot.id)}
            data-shot={it.shot.id}
            tabIndex={index === at ? 0 : -1}
            onFocus={() => setActive(it.shot.id)}
            className="group block overflow-hidden rounded-lg border bg-panel outline-offset-[-2px] hover:border-edge"
          >
            <Cover frame={it} />
            <span className="block px-2.5 py-1.5">
              <span className="block truncate font-medium group-hover:underline">{it.look?.name ?? "Shot"}</span>
              <span className="block truncate text-xs text-soft">{it.title.split(" · ").slice(1).join(" · ") || "–"}</span>
            </span>
          </Link>
        </li>
      ))}
    </ul>
  );
}

const isIn = (list: { current: HTMLUListElement | null }) => list.current?.contains(document.activeElement) ?? false;

/** What stands for a shot: the approved picture, or the newest. Read when it comes near the screen. */
function Cover({ frame: { shot } }: { frame: Frame }) {
  const box = useRef<HTMLSpanElement>(null);
  const [isNear, setNear] = useState(false);
  useEffect(() => {
    const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && setNear(true), { rootMargin: "400px" });
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, []);
  const selected = useQuery({ ...predictionQuery(shot.selectedPredictionId), enabled: isNear && shot.selectedPredictionId !== "" }).data;
  const all = useQuery({ ...predictionList(shot.id), enabled: isNear && shot.selectedPredictionId === "" }).data;
  const mediaId = (shot.selectedPredictionId ? selected : all?.find(isReady))?.mediaId;
  const readyCount = all?.filter(isReady).length ?? 0;
  return (
    <span ref={box} className="relative block aspect-[4/5] bg-sunken">
      {mediaId && <Picture mediaId={mediaId} alt="" className="size-full" />}
      <span className="absolute bottom-1.5 left-1.5 right-1.5 flex items-end justify-between gap-1">
        <ShotBadge state={shot.state} solid />
        {readyCount > 1 && <span className="rounded-sm bg-panel/95 px-1.5 py-0.5 text-xs tabular-nums" title="Variants">{readyCount}<span className="sr-only"> variants</span></span>}
      </span>
      {shot.state === Shot_State.GENERATING && <Making generationId={shot.generationId} />}
    </span>
  );
}

function Making({ generationId }: { generationId: string }) {
  const told = Object.values(useProgress(generationId)).map((it) => it.percent ?? 0);
  return <Progress label="Made so far" value={told.length > 0 ? Math.max(...told) : undefined} className="absolute inset-x-0 top-0 rounded-none" />;
}
