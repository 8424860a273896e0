import { useQuery } from "@tanstack/react-query";
import { CircleStop } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import type { Generation } from "~/api/gen/sartiq/generation/v1/generation_pb";
import { Generation_Kind } from "~/api/gen/sartiq/generation/v1/generation_pb";
import { generationQuery } from "~/api/generation";
import { useProgress } from "~/api/progress";
import { GenerationBadge } from "~/components/states";
import { RequestId } from "~/components/state";
import { problemOf } from "~/api/errors";
import { money } from "~/lib/format";
import { Button } from "~/ui/button";
import { isRunning, useStop, useStopPicture } from "./runs";
import { Tile } from "./tile";

/** Whether it is on the screen or soon will be. Once it was, it stays so. */
function useNear() {
  const ref = useRef<HTMLDivElement>(null);
  const [isNear, setNear] = useState(false);
  useEffect(() => {
    if (!ref.current) return;
    const observer = new IntersectionObserver(([it]) => it?.isIntersecting && setNear(true), { rootMargin: "600px" });
    observer.observe(ref.current);
    return () => observer.disconnect();
  }, []);
  return [ref, isNear] as const;
}

interface StripProps {
  /** Which row of the grid it is, from 1. */
  row: number;
  /** Empty while it is being started. */
  generationId: string;
  /** What the list of runs says of it. */
  known: Generation | undefined;
  /** How many pictures there will be, while nothing else says so. */
  expected: number;
  product: string;
  shotType: string;
  photo: string;
  canStop: boolean;
}

/** The latest run of a shot: what it is, how it stands, what it costs, and its pictures. */
export function Strip({ row, generationId, known, expected, product, shotType, photo, canStop }: StripProps) {
  const [ref, isNear] = useNear();
  const { data, error, refetch } = useQuery({ ...generationQuery(generationId), enabled: isNear && generationId !== "" });
  const steps = useProgress(generationId);
  const stop = useStop();
  const stopPicture = useStopPicture(generationId);
  const read = data?.generation;
  // Both are read on their own: what has ended has ended.
  const generation = known && (!read || (isRunning(read) && !isRunning(known))) ? known : read;
  const name = `${product}, ${shotType}`;
  const total = generation?.requestedCount ?? expected;
  const isOn = isRunning(generation);
  const isRevision = generation?.kind === Generation_Kind.REVISION;
  const mayStop = isOn && canStop;
  return (
    <div ref={ref} role="row" aria-rowindex={row} aria-label={name} data-generation={generationId} className="grid content-start gap-1.5">
      <div role="rowheader" className="flex min-h-6 flex-wrap items-center gap-x-2 text-xs">
        <span className="font-medium">{shotType}{isRevision && " · revision"}</span>
        {generation && <GenerationBadge state={generation.state} />}
        {generation && (
          <span className="tabular-nums text-soft" title="What it cost so far, of what was expected">
            {money(generation.cost)}{isOn && ` of ${money(generation.quotedCost)}`}
          </span>
        )}
        {mayStop && <Button small look="quiet" icon={CircleStop} busy={stop.isPending} onClick={() => stop.mutate(generationId)} title="Stops the pictures of this shot that are not ready" aria-label={`Stop ${name}`}>Stop</Button>}
      </div>
      {isRevision && generation.note && <p className="max-w-80 text-xs text-soft">“{generation.note}”</p>}
      <div role="presentation" className="flex flex-wrap gap-2">
        {Array.from({ length: total }, (_, index) => (
          <Tile
            key={index}
            generation={generation}
            prediction={data?.predictions.find((it) => it.index === index)}
            steps={steps}
            index={index}
            name={name}
            photo={photo}
            onStop={mayStop ? stopPicture.mutate : undefined}
            isStopping={stop.isPending || (stopPicture.isPending && stopPicture.variables === data?.predictions.find((it) => it.index === index)?.id)}
          />
        ))}
      </div>
      {error && !data && (
        <div role="alert" className="text-xs text-bad">
          {problemOf(error).message} <button type="button" className="underline" onClick={() => void refetch()}>Try again</button>
          <div><RequestId id={problemOf(error).requestId} /></div>
        </div>
      )}
    </div>
  );
}
