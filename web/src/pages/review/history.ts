import { useQuery } from "@tanstack/react-query";
import { meQuery, useRights } from "~/api/identity";
import { useShortcuts } from "~/components/shortcuts";
import { toast } from "~/components/toast";
import { grouped } from "~/lib/grouped";
import { decideAll, undoAll } from "./bulk";
import { decide, latestOf, undoShot } from "./decisions";
import type { Frame } from "./reel";
import { lastDone, takeUndone, type Step } from "./steps";
import { DECISIONS } from "./words";

interface Show {
  /** Shows one shot. */
  one: (shot: string, prediction: string) => void;
  /** Shows many. */
  many: (shots: string[]) => void;
}

/** Undoes and redoes the own decisions of a shooting, wherever in its review they were made, and shows what they are about. */
export function useHistory(shootingId: string, frames: Frame[] | undefined, show: Show): void {
  const { decide: mayDecide } = useRights();
  const userId = useQuery(meQuery()).data?.user?.id ?? "";
  const undo = () => {
    const step = lastDone(shootingId);
    if (step?.isBulk) {
      undoAll(step);
      return show.many(step.pasts.map((it) => it.shot.id));
    }
    const past = step?.pasts[0];
    const frame = frames?.find((it) => it.shot.id === past?.shot.id);
    const latest = frame && latestOf(frame.shot.id);
    if (!past || !frame || !latest) return void toast("There is nothing to undo here.");
    undoShot(frame.shot, past.title, latest);
    toast(`Undone: ${DECISIONS[latest.kind][0].toLowerCase()}, ${past.title}.`);
    show.one(frame.shot.id, past.predictionId);
  };
  const redoAll = ({ pasts }: Step) => {
    const choices = [...grouped(pasts, (it) => it.shot.id)].flatMap(([id, verdicts]) => {
      const frame = frames?.find((it) => it.shot.id === id);
      return frame ? [{ shot: frame.shot, title: frame.title, verdicts: verdicts.map(({ predictionId, kind, reason, note }) => ({ predictionId, kind, reason, note })) }] : [];
    });
    if (choices.length === 0) return void toast("There is nothing to do again.");
    decideAll(shootingId, choices, userId, true);
    show.many([]);
  };
  const redo = () => {
    const step = takeUndone(shootingId);
    if (step?.isBulk) return redoAll(step);
    const past = step?.pasts[0];
    const frame = frames?.find((it) => it.shot.id === past?.shot.id);
    if (!past || !frame) return void toast("There is nothing to do again.");
    const { predictionId, kind, reason, note, title } = past;
    decide({ predictionId, kind, reason, note }, { shot: frame.shot, title, isLast: false, userId }, true);
    toast(`${DECISIONS[kind][0]} again: ${title}.`);
    show.one(frame.shot.id, predictionId);
  };
  useShortcuts("Decisions", mayDecide ? { undo, redo } : {});
}
