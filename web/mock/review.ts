import { create } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { Code, type ConnectRouter } from "@connectrpc/connect";
import { Decision_Kind, DecisionSchema, type Decision } from "~/api/gen/sartiq/shooting/v1/decision_pb";
import { ReviewService } from "~/api/gen/sartiq/shooting/v1/review_service_pb";
import { Shot_State, type Shot } from "~/api/gen/sartiq/shooting/v1/shot_pb";
import { Prediction_State } from "~/api/gen/sartiq/generation/v1/prediction_pb";
import { uuid } from "~/lib/uuid";
import { db, find, newest, page, put, refusal } from "./db";
import { emit } from "./events";
import { start } from "./generation";
import { moveShot } from "./shooting";

/** How the shot was before each decision, so that undoing gives it back. */
const before = new Map<string, Pick<Shot, "state" | "selectedPredictionId">>();

function tell(kind: "decisionMade" | "decisionUndone", { id, shotId, predictionId, kind: decided }: Decision): void {
  const { shootingId } = find(db.shots, shotId, "shot");
  emit({ case: kind, value: { $typeName: "sartiq.event.v1.DecisionMade", decisionId: id, shotId, shootingId, predictionId, kind: Decision_Kind[decided] } });
}

function decide(predictionId: string, part: Partial<Decision> & { kind: Decision_Kind }): { decision: Decision; shot: Shot } {
  const { shotId } = find(db.predictions, predictionId, "prediction");
  const shot = find(db.shots, shotId, "shot");
  const { $typeName, ...fields } = part;
  const decision = put(db.decisions, create(DecisionSchema, { ...fields, id: uuid(), shotId, predictionId, createTime: timestampNow() }));
  before.set(decision.id, { state: shot.state, selectedPredictionId: shot.selectedPredictionId });
  tell("decisionMade", decision);
  return { decision, shot };
}

function standing(shotId: string): Decision[] {
  return newest(db.decisions).filter((it) => it.shotId === shotId && !it.undoTime);
}

export function review(router: ConnectRouter): void {
  router.service(ReviewService, {
    approvePrediction: ({ predictionId }) => {
      const { decision, shot } = decide(predictionId, { kind: Decision_Kind.APPROVE });
      return { decision, shot: moveShot(shot, Shot_State.APPROVED, predictionId) };
    },
    rejectPrediction: ({ predictionId, reason, note }) => {
      const { decision, shot } = decide(predictionId, { kind: Decision_Kind.REJECT, reason, note });
      const rejected = new Set(standing(shot.id).filter((it) => it.kind === Decision_Kind.REJECT).map((it) => it.predictionId));
      const ready = [...db.predictions.values()].filter((it) => it.shotId === shot.id && it.state === Prediction_State.READY);
      const isOver = ready.every((it) => rejected.has(it.id));
      return { decision, shot: moveShot(shot, isOver ? Shot_State.REJECTED : Shot_State.TO_REVIEW) };
    },
    revisePrediction: ({ predictionId, note }) => {
      const { decision, shot } = decide(predictionId, { kind: Decision_Kind.REVISE, note });
      shot.revisionNumber += 1;
      const generation = start({ shotId: shot.id, variantCount: 1, parentPredictionId: predictionId, note });
      decision.generationId = generation.id;
      return { decision, shot, generationId: generation.id };
    },
    undoDecision: ({ shotId }) => {
      const decision = standing(shotId)[0];
      if (!decision) throw refusal(Code.FailedPrecondition, "NOTHING_TO_UNDO", `no decision about shot ${shotId} stands`);
      if (decision.generationId) throw refusal(Code.FailedPrecondition, "REVISION_STARTED", "the revision has started; cancel its generation instead");
      decision.undoTime = timestampNow();
      tell("decisionUndone", decision);
      const { state, selectedPredictionId } = before.get(decision.id)!;
      return { decision, shot: moveShot(find(db.shots, shotId, "shot"), state, selectedPredictionId) };
    },
    listDecisions: (request) => {
      const { items, nextPageToken } = page(newest(db.decisions).filter((it) => it.shotId === request.shotId), request);
      return { decisions: items, nextPageToken };
    },
  });
}
