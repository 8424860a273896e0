import { useQuery } from "@tanstack/react-query";
import { CircleCheckBig } from "lucide-react";
import { useMemo, useRef, useState } from "react";
import { Link } from "react-router";
import type { Prediction } from "~/api/gen/sartiq/generation/v1/prediction_pb";
import { Shot_State, type Shot } from "~/api/gen/sartiq/shooting/v1/shot_pb";
import { predictionsOfShooting } from "~/api/generation";
import { useProgress } from "~/api/progress";
import { Picture } from "~/components/picture";
import { useShortcuts } from "~/components/shortcuts";
import { Empty, ErrorPanel, NoMatch } from "~/components/state";
import { ShotBadge } from "~/components/states";
import { TileGrid, type TileGridHandle } from "~/components/tile-grid";
import { grouped } from "~/lib/grouped";
import { Progress } from "~/ui/progress";
import { isReady, type Frame } from "./reel";

export const FILTERS = { all: 0, waiting: Shot_State.TO_REVIEW, approved: Shot_State.APPROVED, rejected: Shot_State.REJECTED, revision: Shot_State.REVISION_REQUESTED } as const;
export type Filter = keyof typeof FILTERS;

interface SheetProps {
  shootingId: string;
  frames: Frame[];
  filter: Filter;
  onClear: () => void;
  hrefOf: (shotId: string) => string;
  onOpen: (shotId: string) => void;
  /** The shot that was open before. */
  focus: string;
}

/** All shots at a glance. One tab stop; arrows move, Enter opens. */
export function Sheet({ shootingId, frames, filter, onClear, hrefOf, onOpen, focus }: SheetProps) {
  const shown = frames.filter(({ shot }) => filter === "all" || shot.state === FILTERS[filter]);
  const grid = useRef<TileGridHandle>(null);
  const [active, setActive] = useState(focus);
  const { data, error, refetch } = useQuery(predictionsOfShooting(shootingId));
  const made = useMemo(() => grouped(data?.filter(isReady) ?? [], (it) => it.shotId), [data]);
  const press = (key: string) => () => grid.current?.press(key);
  const open = () => {
    const frame = shown.find((it) => it.shot.id === active) ?? shown[0];
    if (frame) onOpen(frame.shot.id);
  };
  useShortcuts("Contact sheet", {
    next: press("ArrowRight"), previous: press("ArrowLeft"), below: press("ArrowDown"), above: press("ArrowUp"), first: press("Home"), last: press("End"),
    single: open, open,
  });
  if (frames.length === 0) return <Empty icon={CircleCheckBig} title="Nothing to review yet">Pictures show up here as soon as the first is made.</Empty>;
  if (shown.length === 0) return <NoMatch filters="the chosen state" onClear={onClear} />;
  return (
    <>
      {error && !data && <div className="mb-3"><ErrorPanel error={error} onRetry={refetch} /></div>}
      <TileGrid ref={grid} label="Contact sheet" items={shown} keyOf={(it) => it.shot.id} start={focus} onMove={(it) => setActive(it.shot.id)}>
        {(it) => (
          <Link to={hrefOf(it.shot.id)} data-tile title={it.title} className="group block overflow-hidden rounded-lg border bg-panel hover:border-edge">
            <Cover shot={it.shot} made={made.get(it.shot.id) ?? []} />
            <span className="block px-2.5 py-1.5">
              <span className="block truncate font-medium group-hover:underline">{it.look?.name ?? "Shot"}</span>
              <span className="block truncate text-xs text-soft">{it.title.split(" · ").slice(1).join(" · ") || "–"}</span>
            </span>
          </Link>
        )}
      </TileGrid>
    </>
  );
}

/** What stands for a shot: the approved picture, or the newest. */
function Cover({ shot, made }: { shot: Shot; made: Prediction[] }) {
  const cover = made.find((it) => it.id === shot.selectedPredictionId) ?? made[0];
  return (
    <span className="relative block aspect-[4/5] bg-sunken">
      {cover && <Picture mediaId={cover.mediaId} alt="" className="size-full" />}
      <span className="absolute bottom-1.5 left-1.5 right-1.5 flex items-end justify-between gap-1">
        <ShotBadge state={shot.state} solid />
        {made.length > 1 && <span className="rounded-sm bg-panel/95 px-1.5 py-0.5 text-xs tabular-nums" title="Variants">{made.length}<span className="sr-only"> variants</span></span>}
      </span>
      {shot.state === Shot_State.GENERATING && <Making generationId={shot.generationId} />}
    </span>
  );
}

function Making({ generationId }: { generationId: string }) {
  const told = Object.values(useProgress(generationId)).map((it) => it.percent ?? 0);
  return <Progress label="Made so far" value={told.length > 0 ? Math.max(...told) : undefined} className="absolute inset-x-0 top-0 rounded-none" />;
}
