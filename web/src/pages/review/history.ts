import { useQuery } from "@tanstack/react-query";
import { meQuery, useRights } from "~/api/identity";
import { useShortcuts } from "~/components/shortcuts";
import { toast } from "~/components/toast";
import { decide, lastDone, latestOf, takeUndone, undoShot } from "./decisions";
import type { Frame } from "./reel";
import { DECISIONS } from "./words";

/** Undoes and redoes the own decisions of a shooting, wherever in its review they were made, and shows the shot. */
export function useHistory(shootingId: string, frames: Frame[] | undefined, show: (shot: string, prediction: string) => void): void {
  const { decide: mayDecide } = useRights();
  const userId = useQuery(meQuery()).data?.user?.id ?? "";
  const undo = () => {
    const past = lastDone(shootingId);
    const frame = frames?.find((it) => it.shot.id === past?.shot.id);
    const latest = frame && latestOf(frame.shot.id);
    if (!past || !frame || !latest) return void toast("There is nothing to undo here.");
    undoShot(frame.shot, past.title, latest);
    toast(`Undone: ${DECISIONS[latest.kind][0].toLowerCase()}, ${past.title}.`);
    show(frame.shot.id, past.predictionId);
  };
  const redo = () => {
    const past = takeUndone(shootingId);
    const frame = frames?.find((it) => it.shot.id === past?.shot.id);
    if (!past || !frame) return void toast("There is nothing to do again.");
    const { predictionId, kind, reason, note, title } = past;
    decide({ predictionId, kind, reason, note }, { shot: frame.shot, title, isLast: false, userId }, true);
    toast(`${DECISIONS[kind][0]} again: ${title}.`);
    show(frame.shot.id, predictionId);
  };
  useShortcuts("Decisions", mayDecide ? { undo, redo } : {});
}
