import { useQueries, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { productQuery, shotTypeList } from "~/api/catalog";
import { Decision_Kind, type Decision } from "~/api/gen/sartiq/shooting/v1/decision_pb";
import type { Look } from "~/api/gen/sartiq/shooting/v1/look_pb";
import { Shot_State, type Shot } from "~/api/gen/sartiq/shooting/v1/shot_pb";
import { Prediction_State, type Prediction } from "~/api/gen/sartiq/generation/v1/prediction_pb";
import { generationQuery, predictionList } from "~/api/generation";
import { keys } from "~/api/keys";
import { mediaQuery, urlQuery } from "~/api/media";
import { decisionList, lookList, shotList } from "~/api/shooting";
import { painted } from "~/lib/painted";
import { useStore } from "~/lib/store";
import { decided, marks, present, standing } from "./marks";
import type { Layer } from "./pane";

/** One shot in the row of all that are reviewed. */
export interface Frame { shot: Shot; look: Look | undefined; title: string }

const byId = <T extends { id: string }>(items: T[] = []) => new Map(items.map((it) => [it.id, it]));

/** The shots of a shooting that something was made for, look by look. */
export function useFrames(shootingId: string) {
  const shots = useQuery(shotList(shootingId));
  const looks = useQuery(lookList(shootingId)).data;
  const types = useQuery(shotTypeList()).data;
  const known = useStore(marks);
  // A decision changes one shot: the others are not put together anew.
  const read = useMemo(() => {
    const [lookOf, typeOf] = [byId(looks), byId(types)];
    return shots.data?.filter((it) => it.generationId !== "").map((shot): Frame => {
      const look = lookOf.get(shot.lookId);
      return { shot, look, title: [look?.name, typeOf.get(shot.shotTypeId)?.name].filter(Boolean).join(" · ") || "Shot" };
    });
  }, [shots.data, looks, types]);
  const frames = useMemo(() => read?.map((it): Frame => {
    const shot = present(it.shot, known);
    return shot === it.shot ? it : { ...it, shot };
  }), [read, known]);
  return { frames, plannedCount: (shots.data?.length ?? 0) - (frames?.length ?? 0), error: shots.error, refetch: shots.refetch };
}

export const isReady = (it: Prediction) => it.state === Prediction_State.READY && it.mediaId !== "";

/** What stands for a shot at a glance: the approved picture, or the newest. */
export const coverOf = (shot: Shot, made: Prediction[]) => made.find((it) => it.id === shot.selectedPredictionId) ?? made[0];

export const isOpen = (it: Prediction) => it.state < Prediction_State.READY;

/** The picture of a shot that is shown first: the approved one, or the newest that nobody decided about. */
export function choose(shot: Shot, predictions: Prediction[], decisions: Decision[]): Prediction | undefined {
  const ready = predictions.filter(isReady);
  return ready.find((it) => it.id === shot.selectedPredictionId)
    ?? ready.find((it) => !standing(decisions, it.id))
    ?? ready.find((it) => standing(decisions, it.id)?.kind !== Decision_Kind.REJECT)
    ?? ready[0];
}

export const waits = ({ shot }: Frame) => shot.state === Shot_State.TO_REVIEW;

/** Where it goes on after a decision at `index`: the next shot that waits, from the start again after the last one. */
export function nextWaiting(frames: Frame[], index: number, steps = 1): Frame[] {
  const order = [...frames.slice(index + 1), ...frames.slice(0, index)];
  return order.filter(waits).slice(0, steps);
}

export interface Reading { predictions: Prediction[] | undefined; decisions: Decision[]; chosen: Prediction | undefined; error: unknown; retry: () => void }

function ofShot(all: Prediction[] | undefined, { id }: Shot): Prediction[] | undefined {
  const found = all?.filter((it) => it.shotId === id) ?? [];
  return found.length > 0 ? found : undefined;
}

/** The shot at `index`, and those that a key may lead to. */
function around(frames: Frame[], index: number): Frame[] {
  return [frames[index], ...nextWaiting(frames, index, 3), frames[index + 1], frames[index - 1]].filter((it) => it !== undefined);
}

/** What is known of the shot at `index`, and the pictures of its neighbours, ready to be shown. */
export function useReel(frames: Frame[], index: number): { reading: Reading; ahead: Layer[] } {
  const current = frames[index]!;
  // Whose neighbours are read: the shot at hand, as soon as that is seen.
  const [center, setCenter] = useState(index);
  useEffect(() => {
    let isLeft = false;
    void painted().then(() => isLeft || setCenter(index));
    return () => void (isLeft = true);
  }, [index]);
  const near = new Map([current, ...around(frames, Math.min(center, frames.length - 1))].map((it) => [it.shot.id, it]));
  const wanted = [...near.values()];
  // What the contact sheet knows is shown until it is read for itself.
  const sheet = useQueryClient().getQueryData<Prediction[]>(keys.predictionsOf(current.shot.shootingId));
  const known = useStore(marks);
  const predictions = useQueries({ queries: wanted.map(({ shot }) => ({ ...predictionList(shot.id), placeholderData: () => ofShot(sheet, shot) })) });
  const decisions = useQueries({ queries: wanted.map((it) => decisionList(it.shot.id)) });
  const readings = wanted.map(({ shot }, at): Reading => {
    const [made, said] = [predictions[at]!, decisions[at]!];
    const all = decided(said.data, known.get(shot.id));
    return {
      predictions: made.data, decisions: all, chosen: said.isPending ? undefined : choose(shot, made.data ?? [], all),
      error: made.error ?? said.error, retry: () => void Promise.all([made.refetch(), said.refetch()]),
    };
  });
  // The others of this shot are near, too: they are one key away.
  const own = readings[0]!.predictions?.filter(isReady).slice(0, 8).map((it) => it.mediaId) ?? [];
  const mediaIds = [...new Set([...own, ...readings.map((it) => it.chosen?.mediaId ?? "")])].filter(Boolean);
  const urls = useQueries({ queries: mediaIds.map((it) => urlQuery(it, 1280)) });
  const ahead = mediaIds.flatMap((mediaId, at) => (urls[at]?.data ? [{ mediaId, url: urls[at].data.url }] : []));
  useFacts(wanted.slice(1), readings.slice(1));
  return { reading: readings[0]!, ahead };
}

/** Reads what is said beside the pictures of `frames`, so that nothing is asked for in the moment that they are shown. */
function useFacts(frames: Frame[], readings: Reading[]): void {
  const cache = useQueryClient();
  const facts = frames.map(({ look }, at) => [look?.productId, readings[at]!.chosen?.generationId, readings[at]!.chosen?.mediaId].join());
  const wanted = facts.join(" ");
  useEffect(() => {
    for (const [productId, generationId, mediaId] of facts.map((it) => it.split(","))) {
      if (productId) void cache.prefetchQuery(productQuery(productId));
      if (generationId) void cache.prefetchQuery(generationQuery(generationId));
      if (!mediaId) continue;
      void cache.prefetchQuery(mediaQuery(mediaId));
      void cache.prefetchQuery(urlQuery(mediaId, 256));
    }
  }, [cache, wanted]);
}
