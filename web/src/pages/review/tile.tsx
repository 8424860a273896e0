import type { MouseEvent } from "react";
import { Link } from "react-router";
import type { Prediction } from "~/api/gen/sartiq/generation/v1/prediction_pb";
import { Shot_State, type Shot } from "~/api/gen/sartiq/shooting/v1/shot_pb";
import { useProgress } from "~/api/progress";
import { Picture } from "~/components/picture";
import { ShotBadge } from "~/components/states";
import { cx } from "~/lib/cx";
import { Tick } from "~/ui/field";
import { Progress } from "~/ui/progress";
import { coverOf, type Frame } from "./reel";

interface ShotTileProps {
  frame: Frame;
  /** Its pictures that are ready. */
  made: Prediction[];
  href: string;
  isSelected: boolean;
  /** Whether anything is selected. */
  isSelecting: boolean;
  /** Selects it, or not any more; with `isRange` all up to it. Unset for who cannot select. */
  onSelect: ((isRange: boolean) => void) | undefined;
}

/** A shot in the contact sheet. A click opens it; with Shift or Ctrl, or in its corner, it selects. */
export function ShotTile({ frame: { shot, look, title }, made, href, isSelected, isSelecting, onSelect }: ShotTileProps) {
  const onClick = (event: MouseEvent) => {
    if (!onSelect || !(event.shiftKey || event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    onSelect(event.shiftKey);
  };
  return (
    // With Shift the focus stays where the range begins, and no text is selected.
    <div className="group relative" onMouseDown={(event) => onSelect && event.shiftKey && event.preventDefault()}>
      <Link
        to={href} data-tile title={title} onClick={onClick}
        className={cx("block overflow-hidden rounded-lg border hover:border-edge", isSelected ? "border-accent bg-tint ring-2 ring-accent hover:border-accent focus-visible:outline-offset-4" : "bg-panel")}
      >
        <Cover shot={shot} made={made} />
        <span className="block px-2.5 py-1.5">
          <span className="block truncate font-medium group-hover:underline">{look?.name ?? "Shot"}</span>
          <span className="block truncate text-xs text-soft">{title.split(" · ").slice(1).join(" · ") || "–"}</span>
        </span>
      </Link>
      {onSelect && (
        <Tick
          tabIndex={-1} aria-label={`Select ${title}`} checked={isSelected} onChange={() => undefined} onClick={(event) => onSelect(event.shiftKey)}
          className={cx("absolute left-1.5 top-1.5 rounded-md bg-panel/95 group-focus-within:opacity-100 group-hover:opacity-100 pointer-coarse:opacity-100", !isSelecting && "opacity-0")}
        />
      )}
    </div>
  );
}

function Cover({ shot, made }: { shot: Shot; made: Prediction[] }) {
  const cover = coverOf(shot, made);
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
