import { timestampNow } from "@bufbuild/protobuf/wkt";
import { problemOf } from "~/api/errors";
import type { Prediction } from "~/api/gen/sartiq/generation/v1/prediction_pb";
import { Decision_Kind, RejectReason, type Decision } from "~/api/gen/sartiq/shooting/v1/decision_pb";
import { Shot_State, type Shot } from "~/api/gen/sartiq/shooting/v1/shot_pb";
import { toast, undoToast } from "~/components/toast";
import { count } from "~/lib/format";
import { grouped } from "~/lib/grouped";
import { uuid } from "~/lib/uuid";
import { paths } from "~/paths";
import { provisional, refused } from "./decisions";
import { lineUp } from "./lines";
import { optimistic, remark } from "./marks";
import { coverOf, type Frame } from "./reel";
import { idOf, isMade, type Outcome } from "./send";
import { add, after, before, isDone, leaveOut, takeBack, type Past, type Step } from "./steps";
import type { Entry, Verdict } from "./unsent";
import { DECISIONS } from "./words";

/** One call decides about no more: it may take 500, but no more than a MiB, and each may have a note of 3 kB. */
const MOST = 300;

/** What is decided about one shot of many. */
export interface Choice { shot: Shot; title: string; verdicts: Verdict[] }

const APPROVABLE = [Shot_State.TO_REVIEW, Shot_State.APPROVED, Shot_State.REJECTED];
const REJECTABLE = [Shot_State.TO_REVIEW, Shot_State.APPROVED];

/** What approving these would approve: the picture that stands for each, where it is not approved already. */
export function approvals(frames: Frame[], made: ReadonlyMap<string, Prediction[]>): Choice[] {
  return frames.flatMap(({ shot, title }) => {
    const cover = coverOf(shot, made.get(shot.id) ?? []);
    if (!cover || cover.id === shot.selectedPredictionId || !APPROVABLE.includes(shot.state)) return [];
    return [{ shot, title, verdicts: [{ predictionId: cover.id, kind: Decision_Kind.APPROVE, reason: RejectReason.UNSPECIFIED, note: "" }] }];
  });
}

/** What rejecting these would reject: all pictures of each. Those that are rejected already stay so. */
export function rejections(frames: Frame[], made: ReadonlyMap<string, Prediction[]>, reason: RejectReason, note = ""): Choice[] {
  return frames.flatMap(({ shot, title }) => {
    const ready = made.get(shot.id) ?? [];
    if (ready.length === 0 || !REJECTABLE.includes(shot.state)) return [];
    return [{ shot, title, verdicts: ready.map((it) => ({ predictionId: it.id, kind: Decision_Kind.REJECT, reason, note })) }];
  });
}

let hideLast: (() => void) | undefined;

/** Says what was done, in the place of what was said before. Answers how to take it down. */
function say(text: string, undo?: () => void): () => void {
  hideLast?.();
  return (hideLast = undo ? undoToast(text, undo) : toast(text));
}

const byShot = (pasts: Past[]) => grouped(pasts, (it) => it.shot.id);

/** Decides about many at once. What the server refuses is taken back, and told one by one. */
export function decideAll(shootingId: string, choices: Choice[], userId: string, isAgain = false): void {
  const pasts = choices.flatMap(({ shot, title, verdicts }) => verdicts.map((it): Past => ({ ...it, id: uuid(), shot, title, generationId: "" })));
  const step: Step = { shootingId, isBulk: true, pasts };
  const ofShot = byShot(pasts);
  add(step, isAgain);
  remark(ofShot.keys(), (id, known) => {
    const own = ofShot.get(id)!;
    const decisions = own.map((it) => provisional(it, userId)).reverse();
    return optimistic(own.reduce((shot, it) => after(it, shot, true), own[0]!.shot), decisions, known);
  });
  const word = DECISIONS[pasts[0]!.kind][0].toLowerCase();
  const undo = () => undoAll(step);
  const hide = say(`${ofShot.size} ${word}${isAgain ? " again" : ""}.`, undo);
  void sendAll(shootingId, false, pasts).then((outcomes) => {
    const failed = outcomes.filter((it) => it.error);
    // What was decided about a shot before something else was refused stays decided.
    leaveOut(step, new Set(failed.filter((it) => !it.shot).map((it) => it.shotId)));
    if (failed.length === 0) return;
    hide();
    report(word, shootingId, outcomes, ofShot, isDone(step) ? undo : undefined);
  });
}

/** Undoes a bulk as the one step that it was. */
export function undoAll(step: Step): void {
  if (!isDone(step)) return void toast("It was undone before.");
  const { shootingId, pasts } = step;
  const ofShot = byShot(pasts);
  const putBack = takeBack(step);
  remark(ofShot.keys(), (id, known) => {
    const own = ofShot.get(id)!;
    const shot = before(own[0]!, known?.shot ?? own[0]!.shot);
    return optimistic(shot, own.map((it) => undone(it, known?.decisions)).reverse(), known);
  });
  const hide = say(`Undone: ${ofShot.size} ${DECISIONS[pasts[0]!.kind][0].toLowerCase()}.`);
  // Of one shot the later first: what was decided on top of something is undone before it.
  void sendAll(shootingId, true, pasts.toReversed()).then((all) => {
    // What was refused in the first place is not to be undone.
    const outcomes = all.filter((it) => ofShot.get(it.shotId)!.some(({ id }) => isMade(id)));
    const failed = outcomes.filter((it) => it.error);
    if (failed.length === 0) return;
    hide();
    // What may be undone later stays to be undone; what was refused for good does not stand in the way.
    if (failed.length === outcomes.length && failed.some((it) => problemOf(it.error).isRetryable)) putBack();
    else leaveOut(step, new Set(failed.map((it) => it.shotId)));
    report("undone", shootingId, outcomes, ofShot);
  });
}

function undone(past: Past, known: Decision[] = []): Decision {
  const id = idOf(past.id);
  return { ...(known.find((it) => it.id === id || it.id === past.id) ?? provisional({ ...past, id }, "")), undoTime: timestampNow() };
}

/** Sends what is about one shot in one call, and no more in a call than it takes. */
async function sendAll(shootingId: string, isUndo: boolean, pasts: Past[]): Promise<Outcome[]> {
  const calls: Entry[][] = [];
  for (const own of byShot(pasts).values()) {
    const entries = own.map(({ id, shot, title, predictionId, kind, reason, note }): Entry => ({ id: idOf(id), shotId: shot.id, title, predictionId, kind, reason, note }));
    const last = calls.at(-1);
    if (last && last.length + entries.length <= MOST) last.push(...entries);
    else while (entries.length > 0) calls.push(entries.splice(0, MOST));
  }
  return (await Promise.all(calls.map((entries) => lineUp({ requestId: uuid(), shootingId, isUndo, entries })))).flat();
}

/** Says how many were done, and why each of the others was not. */
export function report(word: string, shootingId: string, outcomes: Outcome[], titles: ReadonlyMap<string, { title: string }[]>, undo?: () => void): void {
  const failed = outcomes.filter((it) => it.error);
  const doneCount = outcomes.length - failed.length;
  const [first] = failed;
  if (doneCount === 0 && failed.every((it) => it.error === first!.error)) {
    return refused(first!.error, failed.length === 1 ? `“${titles.get(first!.shotId)?.[0]?.title}” is as it was.` : `${count(failed.length, "shot")} are as they were.`);
  }
  const items = failed.map(({ shotId, error }) => {
    const { message, hint } = problemOf(error);
    return { text: titles.get(shotId)?.[0]?.title ?? "Shot", to: paths.shootingReview(shootingId, shotId), message, hint };
  });
  toast(`${doneCount} ${word}, ${failed.length} not.`, {
    isBad: true, details: { title: `${count(failed.length, "shot")} not ${word}`, items },
    ...(undo && doneCount > 0 && { action: { label: "Undo", run: undo } }),
  });
}
