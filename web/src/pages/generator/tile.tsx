import { Ban, CircleStop, CircleX, Clock, LoaderCircle, RotateCw, type LucideIcon } from "lucide-react";
import { Link } from "react-router";
import type { Generation } from "~/api/gen/sartiq/generation/v1/generation_pb";
import { Prediction_State, type Prediction } from "~/api/gen/sartiq/generation/v1/prediction_pb";
import type { Progress as Step } from "~/api/progress";
import { Picture } from "~/components/picture";
import { paths } from "~/paths";
import { Badge, type Tone } from "~/ui/badge";
import { IconButton } from "~/ui/button";
import { Progress } from "~/ui/progress";
import { isRunning } from "./runs";

interface Said { icon: LucideIcon; word: string; tone: Tone; spin?: boolean; percent?: number | undefined; detail?: string }

/** What a picture is at, in words. The stream knows more than what was read; without it, what was read is said. */
function said(generation: Generation | undefined, prediction: Prediction | undefined, steps: Readonly<Record<string, Step>>, index: number): Said {
  const state = prediction?.state ?? Prediction_State.EXPECTED;
  if (state === Prediction_State.FAILED) return { icon: CircleX, word: "Failed", tone: "bad", detail: prediction?.error?.message ?? "" };
  // It ended, and which picture became what is being read.
  if (!prediction && generation && !isRunning(generation)) return { icon: LoaderCircle, word: "Loading", tone: "plain" };
  if (state === Prediction_State.CANCELLED || (generation && !isRunning(generation))) return { icon: Ban, word: "Stopped", tone: "plain" };
  const step = steps[`post_${index}`] ?? steps[`image_${index}`] ?? steps["prompt"];
  if (step?.retrying) return { icon: RotateCw, word: "Tries again", tone: "warn", detail: step.retrying };
  if (steps[`post_${index}`] || state === Prediction_State.POST_PROCESSING) return { icon: LoaderCircle, word: "Finishing", tone: "accent", spin: true, percent: steps[`post_${index}`]?.percent };
  const image = steps[`image_${index}`];
  if (image?.queuePosition) return { icon: Clock, word: `Waiting, ${image.queuePosition} before it`, tone: "plain" };
  if (image || state === Prediction_State.RENDERING) {
    const percent = image?.percent;
    return { icon: LoaderCircle, word: percent === undefined ? "Rendering" : `Rendering ${percent} %`, tone: "accent", spin: true, percent };
  }
  if (steps["prompt"]) return { icon: LoaderCircle, word: "Writing the prompt", tone: "accent", spin: true };
  return { icon: Clock, word: generation ? "Waiting" : "Starting", tone: "plain" };
}

interface TileProps {
  generation: Generation | undefined;
  prediction: Prediction | undefined;
  steps: Readonly<Record<string, Step>>;
  index: number;
  /** What it shows, in words. */
  name: string;
  /** The product photo stands in for what is not there yet. */
  photo: string;
  /** Stops the picture with the id. */
  onStop: ((predictionId: string) => void) | undefined;
  isStopping: boolean;
}

/** One picture: a placeholder that says how far it is, then the picture. */
export function Tile({ generation, prediction, steps, index, name, photo, onStop, isStopping }: TileProps) {
  const label = `${name}, picture ${index + 1}`;
  const frame = "relative block aspect-[4/5] w-36 overflow-hidden rounded-md border bg-sunken max-sm:w-[calc(50vw-1.75rem)] xl:w-44";
  if (prediction?.state === Prediction_State.READY) {
    return (
      <div role="gridcell" data-cell={label} data-state="ready" tabIndex={-1} className="rounded-md">
        <Link data-act tabIndex={-1} to={paths.shootingReview(generation?.shootingId ?? "", prediction.shotId)} aria-label={`${label}: review`} className={`${frame} hover:border-edge`}>
          <Picture mediaId={prediction.mediaId} alt={label} edge={512} className="size-full" />
        </Link>
      </div>
    );
  }
  const { icon, word, tone, spin, percent, detail } = said(generation, prediction, steps, index);
  return (
    <div role="gridcell" data-cell={label} data-state={Prediction_State[prediction?.state ?? Prediction_State.EXPECTED].toLowerCase()} tabIndex={-1} aria-label={`${label}: ${word}${detail ? `. ${detail}` : ""}`} className="rounded-md">
      <div className={frame}>
        <Picture mediaId={photo} alt="" edge={256} className="absolute inset-0 size-full opacity-15 grayscale" />
        <div className="absolute inset-x-0 bottom-0 grid gap-1 bg-panel/90 p-2">
          <Badge icon={icon} tone={tone} spin={spin ?? false}>{word}</Badge>
          {detail && <p className="line-clamp-3 text-xs text-soft" title={detail}>{detail}</p>}
          {(percent !== undefined || spin) && <Progress value={percent} label={`${label}: made so far`} />}
        </div>
        {onStop && prediction && prediction.state < Prediction_State.READY && (
          <IconButton data-act tabIndex={-1} label={`Stop ${label}`} icon={CircleStop} reason={isStopping && "It is being stopped."} onClick={() => onStop(prediction.id)} className="absolute right-1 top-1 size-7 bg-panel/90" />
        )}
      </div>
    </div>
  );
}
