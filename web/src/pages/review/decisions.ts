import { create } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { cache } from "~/api/cache";
import { generations } from "~/api/generation";
import { problemOf, reasonOf } from "~/api/errors";
import { DecisionSchema, type Decision } from "~/api/gen/sartiq/shooting/v1/decision_pb";
import { Shot_State, type Shot } from "~/api/gen/sartiq/shooting/v1/shot_pb";
import { keys } from "~/api/keys";
import { toast } from "~/components/toast";
import { uuid } from "~/lib/uuid";
import { lineUp } from "./lines";
import { decided, marks, optimistic, remark } from "./marks";
import { add, after, before, leaveOut, single, takeBack, type Past, type Step } from "./steps";
import type { Verdict } from "./unsent";

interface Subject { shot: Shot; title: string; /** Whether nothing else of the shot is left to decide on. */ isLast: boolean; userId: string }

/** A decision as it is shown until the server has told its own. */
export function provisional({ id, shot, predictionId, kind, reason, note }: Past, userId: string): Decision {
  return create(DecisionSchema, { id, shotId: shot.id, predictionId, kind, reason, note, userId, createTime: timestampNow() });
}

/** Decides at once, and takes it back if the server refuses. */
export function decide(verdict: Verdict, { shot, title, isLast, userId }: Subject, isAgain = false): void {
  const { id: shotId, shootingId } = shot;
  const past: Past = { ...verdict, id: uuid(), shot, title, generationId: "" };
  const step: Step = { shootingId, isBulk: false, pasts: [past] };
  add(step, isAgain);
  remark([shotId], (_, known) => optimistic(after(verdict, shot, isLast), [provisional(past, userId)], known));
  void lineUp({ requestId: uuid(), shotId, shootingId, title, decisionId: past.id, verdict }).then((outcomes) => {
    const { decisions, error, isDropped } = outcomes[0]!;
    past.generationId = decisions[0]?.[1]?.generationId ?? "";
    if (!error) return;
    leaveOut(step, new Set([shotId]));
    if (!isDropped) refused(error, `“${title}” is as it was.`);
  });
}

/** The latest decision about a shot that stands, as far as it is known here. */
export function latestOf(shotId: string): Decision | undefined {
  return decided(cache.getQueryData<Decision[]>(keys.decisions(shotId)), marks.get().get(shotId)).find((it) => !it.undoTime);
}

/** Undoes the latest decision about a shot. */
export function undoShot(shot: Shot, title: string, latest: Decision): void {
  const { id: shotId, shootingId } = shot;
  const waits: Shot = { ...shot, state: Shot_State.TO_REVIEW, selectedPredictionId: "" };
  // How it was before a decision of somebody else is not known here.
  const step = single(shotId, latest.predictionId) ?? { shootingId, isBulk: false, pasts: [{ ...latest, shot: waits, title }] };
  const past = step.pasts[0]!;
  const putBack = takeBack(step);
  remark([shotId], (_, known) => optimistic(before(past, shot), [{ ...latest, undoTime: timestampNow() }], known));
  void lineUp({ requestId: uuid(), shotId, shootingId, title, decisionId: latest.id }).then((outcomes) => {
    const { error, isDropped } = outcomes[0]!;
    if (!error) return;
    putBack();
    const generationId = past.generationId || latest.generationId;
    if (isDropped) return;
    if (reasonOf(error) !== "REVISION_STARTED" || !generationId) return refused(error, "");
    toast("The revision has started.", { action: { label: "Stop it", run: () => void stop(generationId) } });
  });
}

async function stop(id: string): Promise<void> {
  try {
    await generations.cancelGeneration({ requestId: uuid(), id });
    toast("The revision was stopped.");
  } catch (error) {
    refused(error, "");
  }
}

/** Says why something was refused, and what that means. */
export function refused(error: unknown, what: string): void {
  const { message, hint, requestId } = problemOf(error);
  toast(message, { hint: [what, hint].filter(Boolean).join(" "), requestId, isBad: true });
}
