import { create } from "@bufbuild/protobuf";
import { timestampNow, type Timestamp } from "@bufbuild/protobuf/wkt";
import { cache } from "~/api/cache";
import { generations } from "~/api/generation";
import { problemOf, reasonOf } from "~/api/errors";
import { Decision_Kind, DecisionSchema, RejectReason, type Decision } from "~/api/gen/sartiq/shooting/v1/decision_pb";
import { Shot_State, type Shot } from "~/api/gen/sartiq/shooting/v1/shot_pb";
import { keys } from "~/api/keys";
import { reviews } from "~/api/shooting";
import { toast } from "~/components/toast";
import { painted } from "~/lib/painted";
import { createStore } from "~/lib/store";
import { uuid } from "~/lib/uuid";
import { forget, keep, unsent, type Unsent } from "./unsent";

/** What somebody decides. Enough to decide it once more. */
export interface Verdict {
  predictionId: string;
  kind: Decision_Kind;
  reason: RejectReason;
  note: string;
}
interface Past extends Verdict { shot: Shot; title: string; generationId: string }

/** What is known here about a shot and is newer than what was read. */
interface Mark { shot: Shot; decisions: Decision[]; isWaiting: boolean }
interface Job { record: Unsent; placeholder: string; onFailure: (error: unknown) => void; onDone?: (decision: Decision) => void }

export const marks = createStore<ReadonlyMap<string, Mark>>(new Map());
/** How many decisions have not reached the server. */
export const waiting = createStore(0);
const done: Past[] = [];
const undone: Past[] = [];
/** What is decided about one shot goes one after another; shots do not wait for each other. */
const lines = new Map<string, Job[]>();

const isNewer = (one: Timestamp | undefined, other: Timestamp | undefined) =>
  (one?.seconds ?? 0n) > (other?.seconds ?? 0n) || (one?.seconds === other?.seconds && (one?.nanos ?? 0) > (other?.nanos ?? 0));

/** The shot as it is, what was decided a moment ago included. */
export function present(shot: Shot, known: ReadonlyMap<string, Mark>): Shot {
  const mark = known.get(shot.id);
  return mark && (mark.isWaiting || isNewer(mark.shot.updateTime, shot.updateTime)) ? mark.shot : shot;
}

/** The decisions about a shot, newest first, those of a moment ago included. */
export function decided(read: Decision[] | undefined, mark: Mark | undefined): Decision[] {
  const own = mark?.decisions ?? [];
  const fresh = own.filter((it) => !read?.some((other) => other.id === it.id));
  return [...fresh, ...(read ?? []).map((it) => own.find((other) => other.id === it.id && other.undoTime) ?? it)];
}

/** What stands about a prediction. */
export function standing(decisions: Decision[], predictionId: string): Decision | undefined {
  return decisions.find((it) => it.predictionId === predictionId && !it.undoTime);
}

function mark(shotId: string, change: (before: Mark | undefined) => Mark | undefined): void {
  const next = new Map(marks.get());
  const value = change(next.get(shotId));
  if (value) next.set(shotId, value);
  else next.delete(shotId);
  marks.set(next);
}

function count(): void {
  waiting.set([...lines.values()].reduce((sum, it) => sum + it.length, 0));
}

const online = () => navigator.onLine ? undefined : new Promise((resolve) => window.addEventListener("online", resolve, { once: true }));

function enqueue(shot: Shot, optimistic: Shot, decision: Decision, job: Job): void {
  keep(job.record);
  mark(shot.id, (before) => ({
    shot: optimistic, isWaiting: true, decisions: [decision, ...(before?.decisions ?? []).filter((it) => it.id !== decision.id)],
  }));
  lineUp(job);
}

function lineUp(job: Job): void {
  const line = lines.get(job.record.shotId);
  if (line) line.push(job);
  else {
    lines.set(job.record.shotId, [job]);
    void work(job.record);
  }
  count();
}

async function work({ shotId: id, shootingId }: Unsent): Promise<void> {
  const line = lines.get(id)!;
  while (line.length > 0) {
    const { record, placeholder, onFailure, onDone } = line[0]!;
    try {
      // It is kept already: the next picture goes first.
      await painted();
      await online();
      const { decision, shot } = await call(record);
      forget([record.requestId]);
      line.shift();
      mark(id, (before) => before && {
        shot: line.length === 0 ? shot! : before.shot,
        isWaiting: line.length > 0,
        decisions: before.decisions.map((it) => (it.id === placeholder || it.id === decision!.id ? { ...decision!, ...(it.undoTime && { undoTime: it.undoTime }) } : it)),
      });
      onDone?.(decision!);
    } catch (error) {
      // What follows was decided on what did not happen: it goes, too.
      forget(line.map((it) => it.record.requestId));
      line.length = 0;
      mark(id, () => undefined);
      for (const queryKey of [keys.shots(shootingId), keys.decisions(id)]) void cache.invalidateQueries({ queryKey });
      onFailure(error);
    }
    count();
  }
  lines.delete(id);
}

function call({ requestId, shotId, verdict }: Unsent): Promise<{ decision?: Decision; shot?: Shot }> {
  if (!verdict) return reviews.undoDecision({ requestId, shotId });
  const { predictionId, reason, note } = verdict;
  switch (verdict.kind) {
    case Decision_Kind.APPROVE: return reviews.approvePrediction({ requestId, predictionId });
    case Decision_Kind.REVISE: return reviews.revisePrediction({ requestId, predictionId, note });
    default: return reviews.rejectPrediction({ requestId, predictionId, reason, note });
  }
}

interface Subject { shot: Shot; title: string; /** Whether nothing else of the shot is left to decide on. */ isLast: boolean; userId: string }

/** Decides at once, and takes it back if the server refuses. */
export function decide(verdict: Verdict, { shot, title, isLast, userId }: Subject, isAgain = false): void {
  const past: Past = { ...verdict, shot, title, generationId: "" };
  done.push(past);
  if (!isAgain) undone.length = 0;
  const placeholder = uuid();
  const decision = create(DecisionSchema, { ...verdict, id: placeholder, shotId: shot.id, userId, createTime: timestampNow() });
  enqueue(shot, after(verdict, shot, isLast), decision, {
    placeholder,
    record: { requestId: uuid(), shotId: shot.id, shootingId: shot.shootingId, title, verdict },
    onDone: (it) => (past.generationId = it.generationId),
    onFailure: (error) => {
      remove(done, past);
      refused(error, `“${title}” is as it was.`);
    },
  });
}

function after({ kind, predictionId }: Verdict, shot: Shot, isLast: boolean): Shot {
  if (kind === Decision_Kind.APPROVE) return { ...shot, state: Shot_State.APPROVED, selectedPredictionId: predictionId };
  if (kind === Decision_Kind.REVISE) return { ...shot, state: Shot_State.REVISION_REQUESTED, selectedPredictionId: "", revisionNumber: shot.revisionNumber + 1 };
  if (isLast) return { ...shot, state: Shot_State.REJECTED, selectedPredictionId: "" };
  return shot.selectedPredictionId === predictionId ? { ...shot, state: Shot_State.TO_REVIEW, selectedPredictionId: "" } : shot;
}

/** The latest decision about a shot that stands, as far as it is known here. */
export function latestOf(shotId: string): Decision | undefined {
  return decided(cache.getQueryData<Decision[]>(keys.decisions(shotId)), marks.get().get(shotId)).find((it) => !it.undoTime);
}

/** Undoes the latest decision about a shot. */
export function undoShot(shot: Shot, title: string, latest: Decision): void {
  const index = done.findLastIndex((it) => it.shot.id === shot.id);
  const past = index < 0 ? { ...latest, shot, title } : done.splice(index, 1)[0]!;
  undone.push(past);
  const restored: Shot = { ...shot, state: Shot_State.TO_REVIEW, selectedPredictionId: "" };
  enqueue(shot, restored, { ...latest, undoTime: timestampNow() }, {
    placeholder: latest.id,
    record: { requestId: uuid(), shotId: shot.id, shootingId: shot.shootingId, title },
    onFailure: (error) => {
      remove(undone, past);
      if (index >= 0) done.splice(Math.min(index, done.length), 0, past);
      const generationId = past.generationId || latest.generationId;
      if (reasonOf(error) !== "REVISION_STARTED" || !generationId) return refused(error, "");
      toast("The revision has started.", { action: { label: "Stop it", run: () => void stop(generationId) } });
    },
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

function remove(list: Past[], item: Past): void {
  const index = list.indexOf(item);
  if (index >= 0) list.splice(index, 1);
}

function refused(error: unknown, what: string): void {
  const { message, hint, requestId } = problemOf(error);
  toast(message, { hint: [what, hint].filter(Boolean).join(" "), requestId, isBad: true });
}

/** What was decided last in this shooting and can be undone. */
export const lastDone = (shootingId: string) => done.findLast((it) => it.shot.shootingId === shootingId);

/** Takes what was undone last in this shooting, to decide it again. */
export function takeUndone(shootingId: string): Past | undefined {
  const index = undone.findLastIndex((it) => it.shot.shootingId === shootingId);
  return index < 0 ? undefined : undone.splice(index, 1)[0];
}

// What a reload has cut off is sent again.
for (const record of unsent()) {
  const { shotId, shootingId, title } = record;
  lineUp({
    record, placeholder: "",
    onDone: () => [keys.shots(shootingId), keys.decisions(shotId)].forEach((queryKey) => void cache.invalidateQueries({ queryKey })),
    onFailure: (error) => refused(error, `“${title}” is as it was.`),
  });
}

window.addEventListener("beforeunload", (event) => {
  if (waiting.get() > 0) event.preventDefault();
});
