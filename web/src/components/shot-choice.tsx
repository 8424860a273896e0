import { useQuery } from "@tanstack/react-query";
import { Check } from "lucide-react";
import type { Shot } from "~/api/gen/sartiq/shooting/v1/shot_pb";
import { predictionQuery } from "~/api/generation";
import { cx } from "~/lib/cx";
import { Picture } from "./picture";

/** The approved picture of a shot, to be taken or left. */
export function ShotChoice({ shot, title, isChosen, onToggle }: { shot: Shot; title: string; isChosen: boolean; onToggle: () => void }) {
  const mediaId = useQuery(predictionQuery(shot.selectedPredictionId)).data?.mediaId ?? "";
  return (
    <label className={cx("group relative block cursor-pointer overflow-hidden rounded-lg border bg-panel has-focus-visible:outline-2 has-focus-visible:outline-accent", isChosen && "border-accent")}>
      <input type="checkbox" checked={isChosen} onChange={onToggle} className="peer sr-only" />
      <Picture mediaId={mediaId} alt="" className={cx("aspect-[4/5] w-full", !isChosen && "opacity-40")} />
      <span aria-hidden className={cx("absolute left-2 top-2 grid size-5 place-items-center rounded-sm border", isChosen ? "border-transparent bg-fill text-white" : "bg-panel")}>{isChosen && <Check className="size-3.5" />}</span>
      <span className="block truncate px-2.5 py-1.5 text-xs">{title || "Shot"}</span>
    </label>
  );
}
