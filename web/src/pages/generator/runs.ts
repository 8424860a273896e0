import { useInfiniteQuery, useMutation, type InfiniteData } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { cache } from "~/api/cache";
import { useEvent } from "~/api/dispatch";
import { Generation_State, type Generation } from "~/api/gen/sartiq/generation/v1/generation_pb";
import type { GetGenerationResponse, ListGenerationsResponse } from "~/api/gen/sartiq/generation/v1/generation_service_pb";
import { Prediction_State, type Prediction } from "~/api/gen/sartiq/generation/v1/prediction_pb";
import { generationList, generations, predictions } from "~/api/generation";
import { reasonOf } from "~/api/errors";
import { keys } from "~/api/keys";
import { errorToast } from "~/components/toast";
import { uuid } from "~/lib/uuid";

/** Pages of a shooting's history that are read at once. */
const PAGES = 10;
/** Runs that began this close to each other are of one batch. */
const BATCH_MS = 5_000;

export const isRunning = (it: Generation | undefined) => it?.state === Generation_State.PENDING || it?.state === Generation_State.PROCESSING;

/** The runs of a shooting, newest first, and the latest of each shot. */
export function useRuns(shootingId: string) {
  const list = useInfiniteQuery(generationList(shootingId));
  const { data, hasNextPage, isFetching, fetchNextPage } = list;
  useEffect(() => {
    if (hasNextPage && !isFetching && (data?.pages.length ?? 0) < PAGES) void fetchNextPage();
  }, [data, hasNextPage, isFetching, fetchNextPage]);
  return useMemo(() => {
    const all = data?.pages.flatMap((it) => it.generations) ?? [];
    const latest = new Map<string, Generation>();
    for (const it of all) if (!latest.has(it.shotId)) latest.set(it.shotId, it);
    return { list, all, latest };
  }, [data, list]);
}

/** When each batch began: runs of one batch have the same number, so that they stay in the order of the looks. */
export function batchesOf(runs: Generation[]): Map<string, number> {
  const batches = new Map<string, number>();
  let batch = Infinity;
  let before = Infinity;
  for (const it of runs) {
    const time = it.createTime ? timestampMs(it.createTime) : 0;
    if (before - time > BATCH_MS) batch = time;
    before = time;
    batches.set(it.id, batch);
  }
  return batches;
}

/** Shows started runs before the list is read again. */
export function showStarted(shootingId: string, started: Generation[]): void {
  cache.setQueryData<InfiniteData<ListGenerationsResponse>>(keys.generationsOf(shootingId), (list) => {
    const [first, ...rest] = list?.pages ?? [];
    if (!list || !first) return list;
    const known = new Set(first.generations.map((it) => it.id));
    return { ...list, pages: [{ ...first, generations: [...started.filter((it) => !known.has(it.id)), ...first.generations] }, ...rest] };
  });
  for (const queryKey of [keys.generations(), keys.shots(shootingId), keys.shooting(shootingId), keys.shootings()]) void cache.invalidateQueries({ queryKey });
}

/** Stops a run. What is ready stays. */
export function useStop() {
  return useMutation({
    mutationFn: (id: string) => generations.cancelGeneration({ requestId: uuid(), id }),
    onSuccess: ({ generation }, id) => {
      cache.setQueryData<GetGenerationResponse>(keys.generation(id), (before) => before && { ...before, generation: generation! });
    },
    onError: errorToast,
    onSettled: (_, __, id) => {
      for (const queryKey of [keys.generation(id), keys.generations()]) void cache.invalidateQueries({ queryKey });
    },
  });
}

/** Stops one picture. The others of its run go on. */
export function useStopPicture(generationId: string) {
  return useMutation({
    mutationFn: (id: string) => predictions.cancelPrediction({ requestId: uuid(), id }),
    onSuccess: ({ prediction }) => {
      cache.setQueryData<GetGenerationResponse>(keys.generation(generationId), (before) => before && {
        ...before, predictions: before.predictions.map((it) => (it.id === prediction!.id ? prediction! : it)),
      });
    },
    // One that became ready meanwhile is shown as it is.
    onError: (error) => reasonOf(error) !== "STATE_CONFLICT" && errorToast(error),
    onSettled: () => {
      for (const queryKey of [keys.generation(generationId), keys.generations()]) void cache.invalidateQueries({ queryKey });
    },
  });
}

/** The state that a picture is in while a node of its workflow runs, or once it has ended. */
function stateAt(node: string, hasEnded: boolean): [index: number, state: Prediction_State] {
  const [step, index] = node.split("_");
  const isPost = step === "post" || (step === "image" && hasEnded);
  return [index === undefined ? -1 : Number(index), isPost ? Prediction_State.POST_PROCESSING : Prediction_State.RENDERING];
}

/** Brings each picture where it is as soon as the stream tells of it; what is read afterwards confirms it. */
export function useArrivals(): void {
  /** A picture only goes forward. */
  const advance = (generationId: string, index: number, state: Prediction_State, part: Partial<Prediction> = {}) =>
    cache.setQueryData<GetGenerationResponse>(keys.generation(generationId), (before) => before && {
      ...before,
      generation: before.generation && (before.generation.state === Generation_State.PENDING ? { ...before.generation, state: Generation_State.PROCESSING } : before.generation),
      predictions: before.predictions.map((it) => (it.index === index && it.state < state && it.state < Prediction_State.READY ? { ...it, ...part, state } : it)),
    });
  useEvent("taskStarted", ({ reference, node }) => advance(reference, ...stateAt(node, false)));
  useEvent("taskCompleted", ({ reference, node }) => advance(reference, ...stateAt(node, true)));
  useEvent("predictionReady", ({ generationId, index, mediaId }) => advance(generationId, index, Prediction_State.READY, { mediaId }));
  useEvent("predictionCancelled", ({ generationId, index }) => advance(generationId, index, Prediction_State.CANCELLED));
  useEvent("predictionFailed", ({ generationId, index, errorMessage: message }) =>
    advance(generationId, index, Prediction_State.FAILED, { error: { $typeName: "sartiq.generation.v1.GenerationError", reason: "", message, retryable: true } }));
}
