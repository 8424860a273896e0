import { useQueries, useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo } from "react";
import { shotTypeList } from "~/api/catalog";
import { Decision_Kind, type Decision } from "~/api/gen/sartiq/shooting/v1/decision_pb";
import type { Look } from "~/api/gen/sartiq/shooting/v1/look_pb";
import { Shot_State, type Shot } from "~/api/gen/sartiq/shooting/v1/shot_pb";
import { Prediction_State, type Prediction } from "~/api/gen/sartiq/generation/v1/prediction_pb";
import { predictionList } from "~/api/generation";
import { keys } from "~/api/keys";
import { urlQuery } from "~/api/media";
import { decisionList, lookList, shotList } from "~/api/shooting";
import { useStore } from "~/lib/store";
import { decided, marks, present, standing } from "./decisions";
import type { Layer } from "./pane";

/** One shot in the row of all that are reviewed. */
export interface Frame { shot: Shot; look: Look | undefined; title: string }

/** The shots of a shooting that something was made for, look by look. */
export function useFrames(shootingId: string) {
  const shots = useQuery(shotList(shootingId));
  const looks = useQuery(lookList(shootingId)).data;
  const types = useQuery(shotTypeList()).data;
  const known = useStore(marks);
  const frames = useMemo(() => shots.data?.filter((it) => it.generationId !== "").map((it): Frame => {
    const look = looks?.find((other) => other.id === it.lookId);
    const type = types?.find((other) => other.id === it.shotTypeId);
    return { shot: present(it, known), look, title: [look?.name, type?.name].filter(Boolean).join(" · ") || "Shot" };
  }), [shots.data, looks, types, known]);
  return { frames, plannedCount: (shots.data?.length ?? 0) - (frames?.length ?? 0), error: shots.error, refetch: shots.refetch };
}

export const isReady = (it: Prediction) => it.state === Prediction_State.READY && it.mediaId !== "";

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

/** What is known of the shot at `index`, and the pictures of its neighbours, ready to be shown. */
export function useReel(frames: Frame[], index: number): { reading: Reading; ahead: Layer[] } {
  const current = frames[index]!;
  const near = new Map([current, ...nextWaiting(frames, index, 3), frames[index + 1], frames[index - 1]].filter((it) => it !== undefined).map((it) => [it.shot.id, it]));
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
  return { reading: readings[0]!, ahead };
}
