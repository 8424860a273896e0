import { Decision_Kind } from "~/api/gen/sartiq/shooting/v1/decision_pb";
import { Shot_State, type Shot } from "~/api/gen/sartiq/shooting/v1/shot_pb";
import type { Verdict } from "./unsent";

/** A decision of this session, and how the shot was before it. */
export interface Past extends Verdict { id: string; shot: Shot; title: string; generationId: string }

/** What is undone and done again as one: a decision, or all of a bulk. */
export interface Step { shootingId: string; isBulk: boolean; pasts: Past[] }

const done: Step[] = [];
const undone: Step[] = [];

/** Something was decided. Unless it was done again, what was undone before cannot be. */
export function add(step: Step, isAgain: boolean): void {
  done.push(step);
  if (!isAgain) undone.length = 0;
}

export const isDone = (step: Step) => done.includes(step);

/** A step is undone. Answers how to put it back where it stood. */
export function takeBack(step: Step): () => void {
  const index = done.indexOf(step);
  remove(done, step);
  undone.push(step);
  return () => {
    remove(undone, step);
    if (index >= 0) done.splice(Math.min(index, done.length), 0, step);
  };
}

/** Some of a step was not done after all. */
export function leaveOut(step: Step, shotIds: ReadonlySet<string>): void {
  step.pasts = step.pasts.filter((it) => !shotIds.has(it.shot.id));
  if (step.pasts.length === 0) for (const list of [done, undone]) remove(list, step);
}

/** A step of its own out of the one that decided this last; nothing if that was not here. */
export function single(shotId: string, predictionId: string): Step | undefined {
  const isIt = (it: Past) => it.shot.id === shotId && it.predictionId === predictionId;
  const index = done.findLastIndex((it) => it.pasts.some(isIt));
  const step = done[index];
  if (!step || step.pasts.length === 1) return step;
  const own: Step = { shootingId: step.shootingId, isBulk: false, pasts: step.pasts.filter(isIt) };
  step.pasts = step.pasts.filter((it) => !isIt(it));
  done.splice(index + 1, 0, own);
  return own;
}

/** What was decided last in this shooting and can be undone. */
export const lastDone = (shootingId: string) => done.findLast((it) => it.shootingId === shootingId);

/** Takes what was undone last in this shooting, to decide it again. */
export function takeUndone(shootingId: string): Step | undefined {
  const index = undone.findLastIndex((it) => it.shootingId === shootingId);
  return index < 0 ? undefined : undone.splice(index, 1)[0];
}

function remove(list: Step[], step: Step): void {
  const index = list.indexOf(step);
  if (index >= 0) list.splice(index, 1);
}

/** The shot as it will be once this is decided. `isLast` says that nothing else of it is left to decide on. */
export function after({ kind, predictionId }: Verdict, shot: Shot, isLast: boolean): Shot {
  if (kind === Decision_Kind.APPROVE) return { ...shot, state: Shot_State.APPROVED, selectedPredictionId: predictionId };
  if (kind === Decision_Kind.REVISE) return { ...shot, state: Shot_State.REVISION_REQUESTED, selectedPredictionId: "", revisionNumber: shot.revisionNumber + 1 };
  if (isLast) return { ...shot, state: Shot_State.REJECTED, selectedPredictionId: "" };
  return shot.selectedPredictionId === predictionId ? { ...shot, state: Shot_State.TO_REVIEW, selectedPredictionId: "" } : shot;
}

/** The shot as it was before this was decided. */
export function before(past: Past, shot: Shot): Shot {
  const { state, selectedPredictionId } = past.shot;
  return { ...shot, state, selectedPredictionId };
}
