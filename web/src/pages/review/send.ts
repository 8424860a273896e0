import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema } from "~/api/gen/google/rpc/error_details_pb";
import { Decision_Kind, type Decision } from "~/api/gen/sartiq/shooting/v1/decision_pb";
import type { DecisionError, DecisionResult } from "~/api/gen/sartiq/shooting/v1/review_service_pb";
import type { Shot } from "~/api/gen/sartiq/shooting/v1/shot_pb";
import { reviews } from "~/api/shooting";
import { rename, renamed, type Entry, type Unsent, type UnsentBatch, type UnsentOne } from "./unsent";

/** What became of one shot: how it is now and what was decided about it; or why something was not. */
export interface Outcome {
  shotId: string;
  shot?: Shot | undefined;
  /** Each by the id that it had here. Without a decision where that was made by somebody before. */
  decisions: [id: string, decision: Decision | undefined][];
  error?: unknown;
  /** It was never sent: what it followed was refused. */
  isDropped?: boolean;
}

/** The ids of decisions that had one of our own; empty for those that were not made. */
const ids = new Map<string, string>();

/** The id of a decision, as far as it is known. */
export const idOf = (id: string) => ids.get(id) ?? id;
/** Whether what had this id of our own was decided. */
export const isMade = (id: string) => Boolean(ids.get(id));

/** Sends it once. It fails as a whole, or answers what became of each shot. */
export async function send(record: Unsent): Promise<Outcome[]> {
  if ("entries" in record) return record.isUndo ? undoMany(record) : decideMany(record);
  const { decision, shot } = await sendOne(record);
  return [{ shotId: record.shotId, shot, decisions: [[record.decisionId ?? "", decision]] }];
}

function sendOne({ requestId, shotId, verdict }: UnsentOne): Promise<{ decision?: Decision; shot?: Shot }> {
  if (!verdict) return reviews.undoDecision({ requestId, shotId });
  const { predictionId, reason, note } = verdict;
  switch (verdict.kind) {
    case Decision_Kind.APPROVE: return reviews.approvePrediction({ requestId, predictionId });
    case Decision_Kind.REVISE: return reviews.revisePrediction({ requestId, predictionId, note });
    default: return reviews.rejectPrediction({ requestId, predictionId, reason, note });
  }
}

async function decideMany({ requestId, entries }: UnsentBatch): Promise<Outcome[]> {
  const decisions = entries.map(({ predictionId, kind, reason, note }) => ({ predictionId, kind, reason, note }));
  const { results } = await reviews.batchDecide({ requestId, decisions });
  entries.forEach(({ id }, at) => ids.set(id, results[at]?.decision?.id ?? ""));
  // An undo that waits for this may have to be sent after a reload, when nothing else knows of them.
  rename(ids);
  return outcomesOf(entries, results);
}

async function undoMany({ requestId, entries }: UnsentBatch): Promise<Outcome[]> {
  const made = renamed(entries, ids);
  if (made.length === 0) return entries.map(({ shotId }) => ({ shotId, decisions: [] }));
  const { results } = await reviews.batchUndoDecisions({ requestId, decisionIds: made.map((it) => it.id) });
  return outcomesOf(made, results);
}

/** What became of each shot. One whose pictures were rejected, some of them by somebody before, is rejected. */
function outcomesOf(entries: Entry[], results: DecisionResult[]): Outcome[] {
  const outcomes = new Map<string, Outcome & { before?: unknown }>();
  entries.forEach(({ id, shotId, kind }, at) => {
    const outcome = outcomes.get(shotId) ?? { shotId, decisions: [] };
    outcomes.set(shotId, outcome);
    const { decision, shot, error } = results[at]!;
    outcome.decisions.push([id, decision]);
    if (decision) outcome.shot = shot;
    else if (error?.reason === "PREDICTION_DECIDED" && kind === Decision_Kind.REJECT) outcome.before = refusalOf(error);
    else outcome.error ??= refusalOf(error);
  });
  return [...outcomes.values()].map(({ before, ...it }) => (it.shot || it.error ? it : { ...it, error: before }));
}

/** The same as the call for this one alone would have failed with. */
function refusalOf(error: DecisionError | undefined): ConnectError {
  return new ConnectError(error?.message ?? "", Code.FailedPrecondition, undefined, [{ desc: ErrorInfoSchema, value: { reason: error?.reason ?? "", domain: "sartiq" } }]);
}
