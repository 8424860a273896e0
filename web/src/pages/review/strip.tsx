import { useEffect, useRef } from "react";
import type { Decision } from "~/api/gen/sartiq/shooting/v1/decision_pb";
import type { Prediction } from "~/api/gen/sartiq/generation/v1/prediction_pb";
import { useProgress } from "~/api/progress";
import { Picture } from "~/components/picture";
import { PredictionBadge } from "~/components/states";
import { Progress } from "~/ui/progress";
import { cx } from "~/lib/cx";
import { painted } from "~/lib/painted";
import { standing } from "./marks";
import { isReady } from "./reel";
import { DECISIONS } from "./words";

interface StripProps { predictions: Prediction[]; decisions: Decision[]; current: string; onPick: (predictionId: string) => void }

/** The pictures of a shot beside each other, the newest first. */
export function Strip({ predictions, decisions, current, onPick }: StripProps) {
  const ready = predictions.filter(isReady);
  return (
    <ul aria-label="Variants" className="flex shrink-0 gap-1.5 overflow-x-auto p-1 [scrollbar-width:thin]">
      {predictions.map((it) => (
        <li key={it.id} className="shrink-0">
          {isReady(it)
            ? <Variant prediction={it} number={ready.indexOf(it) + 1} decision={standing(decisions, it.id)} isCurrent={it.id === current} onPick={() => onPick(it.id)} />
            : <Pending prediction={it} />}
        </li>
      ))}
    </ul>
  );
}

function Variant({ prediction, number, decision, isCurrent, onPick }: { prediction: Prediction; number: number; decision: Decision | undefined; isCurrent: boolean; onPick: () => void }) {
  const [word, Icon, tone] = decision ? DECISIONS[decision.kind] : ["", undefined, "plain" as const];
  const ref = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    // Finding out where it stands takes longer than showing the picture.
    if (isCurrent) void painted().then(() => ref.current?.scrollIntoView({ block: "nearest", inline: "nearest" }));
  }, [isCurrent]);
  return (
    <button
      ref={ref}
      type="button"
      aria-label={`Variant ${number}${word && `, ${word.toLowerCase()}`}`}
      aria-pressed={isCurrent}
      title={`Variant ${number}`}
      onClick={onPick}
      className="relative block overflow-hidden rounded-md border-2 border-transparent aria-pressed:border-accent"
    >
      <Picture mediaId={prediction.mediaId} alt="" edge={256} eager className={cx("h-16 w-13", tone === "bad" && "opacity-45")} />
      <span aria-hidden className="absolute bottom-0.5 left-0.5 rounded-sm bg-panel/95 px-1 text-xs tabular-nums">{number}</span>
      {Icon && <span className="absolute right-0.5 top-0.5 rounded-sm bg-panel/95 p-0.5"><Icon aria-hidden className={cx("size-3.5", tone === "ok" ? "text-ok" : tone === "bad" ? "text-bad" : "text-accent")} /></span>}
    </button>
  );
}

function Pending({ prediction }: { prediction: Prediction }) {
  const told = useProgress(prediction.generationId)[`image_${prediction.index}`];
  return (
    <div className="grid h-17 w-28 content-center gap-1 rounded-md border border-dashed px-2">
      <PredictionBadge state={prediction.state} />
      {!prediction.error && <Progress label="This variant: made so far" value={told?.percent} />}
      {prediction.error && <p className="truncate text-xs text-soft" title={prediction.error.message}>{prediction.error.message}</p>}
    </div>
  );
}
