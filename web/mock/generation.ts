import { create } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { Code, type ConnectRouter } from "@connectrpc/connect";
import { WorkflowSchema, Workflow_State } from "~/api/gen/sartiq/compute/v1/workflow_pb";
import type { Event } from "~/api/gen/sartiq/event/v1/event_pb";
import type { PredictionChanged } from "~/api/gen/sartiq/event/v1/payload_pb";
import { Generation_Kind, Generation_State, GenerationSchema, type Generation } from "~/api/gen/sartiq/generation/v1/generation_pb";
import { GenerationService } from "~/api/gen/sartiq/generation/v1/generation_service_pb";
import { Prediction_State, PredictionSchema, type Prediction } from "~/api/gen/sartiq/generation/v1/prediction_pb";
import { PredictionService } from "~/api/gen/sartiq/generation/v1/prediction_service_pb";
import { ProductPhoto_Slot } from "~/api/gen/sartiq/catalog/v1/product_pb";
import { Shot_State } from "~/api/gen/sartiq/shooting/v1/shot_pb";
import { Media_Origin } from "~/api/gen/sartiq/media/v1/media_pb";
import { MoneySchema } from "~/api/gen/sartiq/type/v1/money_pb";
import { uuid } from "~/lib/uuid";
import { scene } from "./art";
import { db, find, newest, page, put, refusal } from "./db";
import { emit } from "./events";
import { addMedia } from "./media";
import { moveShot } from "./shooting";

const PRICE_MICROS = 40_000n;
const price = (pictures: number) => create(MoneySchema, { micros: PRICE_MICROS * BigInt(pictures), currency: "USD" });
const isOver = (it: Generation) => it.state >= Generation_State.COMPLETED;
const of = (generationId: string) => [...db.predictions.values()].filter((it) => it.generationId === generationId);

/** What each request started: sent again it starts nothing. */
const started = new Map<string, Generation[]>();

function once(requestId: string, inputs: Input[]): Generation[] {
  const known = started.get(requestId);
  if (known) return known;
  // All of them, or none.
  inputs.forEach((it) => photoOf(it.shotId));
  const all = inputs.map((it) => start(it));
  started.set(requestId, all);
  return all;
}

interface Input { shotId: string; variantCount: number; parentPredictionId?: string; note?: string }

function variants({ shotId, variantCount }: Input): number {
  return variantCount || find(db.shotTypes, find(db.shots, shotId, "shot").shotTypeId, "shot_type").defaultVariants;
}

/** The photo that pictures of the shot are made from. */
function photoOf(shotId: string): string {
  const look = find(db.looks, find(db.shots, shotId, "shot").lookId, "look");
  const front = find(db.products, look.productId, "product").photos.find((it) => it.slot === ProductPhoto_Slot.FRONT);
  if (!front) throw refusal(Code.FailedPrecondition, "PRODUCT_WITHOUT_PHOTO", `the product of shot ${shotId} has no front photo to make pictures from`);
  return front.mediaId;
}

type GenerationEvent = "generationStarted" | "generationCompleted" | "generationCancelled";
function tell(kind: GenerationEvent, it: Generation): void {
  const value = {
    $typeName: "sartiq.event.v1.GenerationChanged", generationId: it.id, shotId: it.shotId, shootingId: it.shootingId, workflowId: it.workflowId,
    revision: it.kind === Generation_Kind.REVISION, requestedCount: it.requestedCount, readyCount: it.readyCount, failedCount: it.failedCount,
    errorReason: "", errorMessage: "",
  };
  emit({ case: kind, value } as Event["payload"]);
}

/** Starts a generation that takes a few seconds, as a provider would; at once if `isInstant`. */
export function start(input: Input, isInstant = false): Generation {
  const shot = find(db.shots, input.shotId, "shot");
  const look = find(db.looks, shot.lookId, "look");
  const product = find(db.products, look.productId, "product");
  const productMediaId = photoOf(shot.id);
  const count = variants(input);
  const workflow = put(db.workflows, create(WorkflowSchema, { id: uuid(), state: Workflow_State.RUNNING, taskCount: count * 2 + 2, createTime: timestampNow() }));
  const generation = put(db.generations, create(GenerationSchema, {
    id: uuid(), state: Generation_State.PROCESSING, kind: input.parentPredictionId ? Generation_Kind.REVISION : Generation_Kind.INITIAL,
    shotId: shot.id, shootingId: shot.shootingId, parentPredictionId: input.parentPredictionId ?? "", note: input.note ?? "", workflowId: workflow.id,
    requestedCount: count, quotedCost: price(count), cost: price(0), createTime: timestampNow(),
    configuration: { productId: product.id, productName: product.name, productMediaId, subjectId: look.subjectId, styleId: look.styleId, shotTypeId: shot.shotTypeId },
  }));
  workflow.reference = generation.id;
  for (let index = 0; index < count; index += 1) {
    const prediction = put(db.predictions, create(PredictionSchema, {
      id: uuid(), generationId: generation.id, shotId: shot.id, index, state: Prediction_State.EXPECTED, provider: "memory", createTime: timestampNow(),
    }));
    if (isInstant) finish(generation, prediction);
    else void render(generation, prediction);
  }
  shot.generationId = generation.id;
  if (!isInstant) {
    moveShot(shot, Shot_State.GENERATING);
    tell("generationStarted", generation);
  }
  return generation;
}

async function render(generation: Generation, prediction: Prediction): Promise<void> {
  const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
  const progress = (percent: number | undefined, queuePosition: number | undefined, message: string) =>
    emit({
      case: "taskProgress",
      value: { $typeName: "sartiq.event.v1.TaskProgress", taskId: prediction.id, workflowId: generation.workflowId, reference: generation.id, node: `image_${prediction.index}`, percent, queuePosition, provider: "memory", message },
    });
  for (let waiting = prediction.index; waiting > 0; waiting -= 1) {
    progress(undefined, waiting, "");
    await pause(900);
  }
  if (prediction.state !== Prediction_State.EXPECTED) return;
  prediction.state = Prediction_State.RENDERING;
  for (let percent = 0; percent < 100; percent += 8) {
    if (isOver(generation) || prediction.state !== Prediction_State.RENDERING) return;
    progress(percent, undefined, "denoising");
    await pause(300 + Math.random() * 200);
  }
  if (!isOver(generation) && prediction.state === Prediction_State.RENDERING) finish(generation, prediction);
}

function finish(generation: Generation, prediction: Prediction): void {
  const { productName = "" } = generation.configuration ?? {};
  const mediaId = addMedia(scene(productName, prediction.id), `${prediction.id}.png`, Media_Origin.GENERATED);
  Object.assign(prediction, { state: Prediction_State.READY, mediaId, cost: price(1), readyTime: timestampNow() });
  const all = of(generation.id);
  generation.readyCount = all.filter((it) => it.state === Prediction_State.READY).length;
  generation.cost = price(generation.readyCount);
  generation.progressPercent = Math.round((generation.readyCount / generation.requestedCount) * 100);
  emit({
    case: "predictionReady",
    value: changeOf(generation, prediction),
  });
  settle(generation);
}

function changeOf({ id: generationId, shootingId, shotId }: Generation, { id: predictionId, index, mediaId }: Prediction): PredictionChanged {
  return { $typeName: "sartiq.event.v1.PredictionChanged", predictionId, generationId, shotId, shootingId, index, mediaId, placeholder: new Uint8Array(), errorMessage: "" };
}

/** Ends a generation with its last picture. */
function settle(generation: Generation): void {
  if (of(generation.id).some((it) => it.state < Prediction_State.READY)) return;
  end(generation, generation.readyCount > 0 ? Generation_State.COMPLETED : Generation_State.CANCELLED);
}

function end(generation: Generation, state: Generation_State): void {
  Object.assign(generation, { state, endTime: timestampNow() });
  const workflow = find(db.workflows, generation.workflowId, "workflow");
  Object.assign(workflow, { state: state === Generation_State.COMPLETED ? Workflow_State.COMPLETED : Workflow_State.CANCELLED, endedCount: workflow.taskCount, endTime: timestampNow() });
  tell(state === Generation_State.COMPLETED ? "generationCompleted" : "generationCancelled", generation);
  moveShot(find(db.shots, generation.shotId, "shot"), generation.readyCount > 0 ? Shot_State.TO_REVIEW : Shot_State.PLANNED);
}

export function generation(router: ConnectRouter): void {
  router.service(GenerationService, {
    quoteGeneration: ({ shotIds, variantCount }) => {
      const quotes = shotIds.map((shotId) => ({ shotId, variantCount: variants({ shotId, variantCount }) }));
      return {
        quotes: quotes.map((it) => ({ ...it, cost: price(it.variantCount) })),
        total: price(quotes.reduce((sum, it) => sum + it.variantCount, 0)),
      };
    },
    startGeneration: ({ requestId, generation: input }) => {
      const [generation] = once(requestId, [input!]);
      return { generation: generation!, predictions: of(generation!.id) };
    },
    batchStartGenerations: ({ requestId, generations }) => ({ generations: once(requestId, generations) }),
    getGeneration: ({ id }) => ({ generation: find(db.generations, id, "generation"), predictions: of(id) }),
    listGenerations: (request) => {
      const fits = newest(db.generations).filter((it) => (!request.shotId || it.shotId === request.shotId) && (!request.shootingId || it.shootingId === request.shootingId) && (request.states.length === 0 || request.states.includes(it.state)));
      const { items, nextPageToken } = page(fits, request);
      return { generations: items, nextPageToken };
    },
    cancelGeneration: ({ id }) => {
      const found = find(db.generations, id, "generation");
      if (isOver(found)) throw refusal(Code.FailedPrecondition, "STATE_CONFLICT", "the generation has ended; it cannot be cancelled any more");
      of(id).filter((it) => it.state < Prediction_State.READY).forEach((it) => (it.state = Prediction_State.CANCELLED));
      end(found, Generation_State.CANCELLED);
      return { generation: found };
    },
  });
  router.service(PredictionService, {
    getPrediction: ({ id }) => ({ prediction: find(db.predictions, id, "prediction") }),
    batchGetPredictions: ({ ids }) => ({ predictions: ids.map((id) => find(db.predictions, id, "prediction")) }),
    listPredictions: (request) => {
      const order = newest(db.generations).map((it) => it.id);
      const all = [...db.predictions.values()].filter((it) => request.shotId ? it.shotId === request.shotId : find(db.shots, it.shotId, "shot").shootingId === request.shootingId);
      const rank = new Map(order.map((id, at) => [id, at]));
      all.sort((one, other) => rank.get(one.generationId)! - rank.get(other.generationId)! || one.index - other.index);
      const { items, nextPageToken } = page(all, request);
      return { predictions: items, nextPageToken };
    },
    cancelPrediction: ({ id }) => {
      const prediction = find(db.predictions, id, "prediction");
      const isEnded = prediction.state === Prediction_State.READY || prediction.state === Prediction_State.FAILED;
      if (isEnded) throw refusal(Code.FailedPrecondition, "STATE_CONFLICT", "the prediction has ended; it cannot be cancelled any more");
      if (prediction.state !== Prediction_State.CANCELLED) {
        const generation = find(db.generations, prediction.generationId, "generation");
        prediction.state = Prediction_State.CANCELLED;
        emit({ case: "predictionCancelled", value: changeOf(generation, prediction) });
        settle(generation);
      }
      return { prediction };
    },
  });
}
