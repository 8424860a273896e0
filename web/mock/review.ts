import { create } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { reasonOf } from "~/api/errors";
import { Decision_Kind, DecisionSchema, type Decision, type RejectReason } from "~/api/gen/sartiq/shooting/v1/decision_pb";
import { ReviewService } from "~/api/gen/sartiq/shooting/v1/review_service_pb";
import { Shot_State, type Shot } from "~/api/gen/sartiq/shooting/v1/shot_pb";
import { Prediction_State } from "~/api/gen/sartiq/generation/v1/prediction_pb";
import { uuid } from "~/lib/uuid";
import { db, find, newest, page, put, refusal } from "./db";
import { emit } from "./events";
import { start } from "./generation";
import { me } from "./identity";
import { moveShot } from "./shooting";

interface Decided { decision: Decision; shot: Shot }
type Result = Decided | { error: { reason: string; message: string } };

/** How the shot was before each decision, so that undoing gives it back. */
const before = new Map<string, Pick<Shot, "state" | "selectedPredictionId">>();

function tell(kind: "decisionMade" | "decisionUndone", { id, shotId, predictionId, kind: decided }: Decision): void {
  const { shootingId } = find(db.shots, shotId, "shot");
  emit({ case: kind, value: { $typeName: "sartiq.event.v1.DecisionMade", decisionId: id, shotId, shootingId, predictionId, kind: Decision_Kind[decided] } });
}

function decide(predictionId: string, part: Partial<Decision> & { kind: Decision_Kind }): { decision: Decision; shot: Shot } {
  const { shotId } = find(db.predictions, predictionId, "prediction");
  const shot = find(db.shots, shotId, "shot");
  const isSame = part.kind === Decision_Kind.APPROVE ? shot.selectedPredictionId === predictionId
    : part.kind === Decision_Kind.REJECT && standing(shotId).find((it) => it.predictionId === predictionId)?.kind === part.kind;
  if (isSame) throw refusal(Code.FailedPrecondition, "PREDICTION_DECIDED", `prediction ${predictionId} was decided about that way already`);
  if ([Shot_State.GENERATING, Shot_State.REVISION_REQUESTED].includes(shot.state)) {
    throw refusal(Code.FailedPrecondition, "STATE_CONFLICT", `the shot is ${Shot_State[shot.state].toLowerCase()}`);
  }
  const { $typeName, ...fields } = part;
  const decision = put(db.decisions, create(DecisionSchema, { ...fields, id: uuid(), shotId, predictionId, userId: me.id, createTime: timestampNow() }));
  before.set(decision.id, { state: shot.state, selectedPredictionId: shot.selectedPredictionId });
  tell("decisionMade", decision);
  return { decision, shot };
}

function standing(shotId: string): Decision[] {
  return newest(db.decisions).filter((it) => it.shotId === shotId && !it.undoTime);
}

function approve(predictionId: string): Decided {
  const { decision, shot } = decide(predictionId, { kind: Decision_Kind.APPROVE });
  return { decision, shot: moveShot(shot, Shot_State.APPROVED, predictionId) };
}

function reject(predictionId: string, reason: RejectReason, note: string): Decided {
  const { decision, shot } = decide(predictionId, { kind: Decision_Kind.REJECT, reason, note });
  const rejected = new Set(standing(shot.id).filter((it) => it.kind === Decision_Kind.REJECT).map((it) => it.predictionId));
  const ready = [...db.predictions.values()].filter((it) => it.shotId === shot.id && it.state === Prediction_State.READY);
  const isOver = ready.every((it) => rejected.has(it.id));
  return { decision, shot: moveShot(shot, isOver ? Shot_State.REJECTED : Shot_State.TO_REVIEW) };
}

function undo(decision: Decision | undefined, shotId: string): Decided {
  if (!decision) throw refusal(Code.FailedPrecondition, "NOTHING_TO_UNDO", `no decision about shot ${shotId} stands`);
  if (decision.undoTime) throw refusal(Code.FailedPrecondition, "DECISION_UNDONE", `decision ${decision.id} was undone already`);
  if (standing(shotId)[0] !== decision) throw refusal(Code.FailedPrecondition, "DECISION_NOT_LATEST", `a later decision about shot ${shotId} stands`);
  if (decision.generationId) throw refusal(Code.FailedPrecondition, "REVISION_STARTED", "the revision has started; cancel its generation instead");
  decision.undoTime = timestampNow();
  tell("decisionUndone", decision);
  const { state, selectedPredictionId } = before.get(decision.id)!;
  return { decision, shot: moveShot(find(db.shots, shotId, "shot"), state, selectedPredictionId) };
}

/** What each request has answered: sent again it does nothing. */
const answered = new Map<string, { results: Result[] }>();

/** Does each for itself: one that is refused leaves the others. */
function each<T>(requestId: string, items: T[], act: (item: T) => Decided): { results: Result[] } {
  const results = () => items.map((it): Result => {
    try {
      return act(it);
    } catch (error) {
      const { rawMessage: message } = ConnectError.from(error);
      return { error: { reason: reasonOf(error), message } };
    }
  });
  const answer = answered.get(requestId) ?? { results: results() };
  answered.set(requestId, answer);
  return answer;
}

export function review(router: ConnectRouter): void {
  router.service(ReviewService, {
    approvePrediction: ({ predictionId }) => approve(predictionId),
    rejectPrediction: ({ predictionId, reason, note }) => reject(predictionId, reason, note),
    revisePrediction: ({ predictionId, note }) => {
      const { decision, shot } = decide(predictionId, { kind: Decision_Kind.REVISE, note });
      shot.revisionNumber += 1;
      const generation = start({ shotId: shot.id, variantCount: 1, parentPredictionId: predictionId, note });
      decision.generationId = generation.id;
      return { decision, shot, generationId: generation.id };
    },
    undoDecision: ({ shotId }) => undo(standing(shotId)[0], shotId),
    batchDecide: ({ requestId, decisions }) =>
      each(requestId, decisions, (it) => (it.kind === Decision_Kind.APPROVE ? approve(it.predictionId) : reject(it.predictionId, it.reason, it.note))),
    batchUndoDecisions: ({ requestId, decisionIds }) =>
      each(requestId, decisionIds, (id) => {
        const decision = find(db.decisions, id, "decision");
        return undo(decision, decision.shotId);
      }),
    listDecisions: (request) => {
      const { items, nextPageToken } = page(newest(db.decisions).filter((it) => it.shotId === request.shotId), request);
      return { decisions: items, nextPageToken };
    },
  });
}
