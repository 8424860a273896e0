import { createClient } from "@connectrpc/connect";
import { queryOptions } from "@tanstack/react-query";
import { batched } from "~/lib/batch";
import { Generation_State } from "./gen/sartiq/generation/v1/generation_pb";
import { GenerationService } from "./gen/sartiq/generation/v1/generation_service_pb";
import { Prediction_State } from "./gen/sartiq/generation/v1/prediction_pb";
import { PredictionService } from "./gen/sartiq/generation/v1/prediction_service_pb";
import { keys } from "./keys";
import { everything, paged } from "./pages";
import { transport } from "./transport";

export const generations = createClient(GenerationService, transport);
export const predictions = createClient(PredictionService, transport);
/** A season of 1,000 shots has fewer. */
const MOST = 20_000;
const LATEST = 40;

/** All generations, or those of one shooting, newest first. */
export const generationList = (shootingId = "") =>
  paged(shootingId ? keys.generationsOf(shootingId) : keys.generations(), (page, options) =>
    generations.listGenerations({ ...page, shootingId }, options));

export const RUNNING = [Generation_State.PENDING, Generation_State.PROCESSING];
/** No picture of them is ready. What failed in part is completed. */
export const FAILED = [Generation_State.FAILED];
export const ENDED = [Generation_State.COMPLETED, Generation_State.FAILED, Generation_State.CANCELLED];

/** The same in some states only. */
export const generationsIn = (states: Generation_State[], shootingId = "") =>
  paged(keys.generationsIn(shootingId, states), (page, options) => generations.listGenerations({ ...page, shootingId, states }, options));

/** A generation and its predictions. */
export const generationQuery = (id: string) =>
  queryOptions({
    queryKey: keys.generation(id),
    queryFn: ({ signal }) => generations.getGeneration({ id }, { signal }),
  });

/** The predictions of a shot, those of the newest generation first. */
export const predictionList = (shotId: string) =>
  queryOptions({
    queryKey: keys.predictions(shotId),
    queryFn: ({ signal }) =>
      everything((page, options) => predictions.listPredictions({ ...page, shotId }, options), (it) => it.predictions, signal),
  });

/** The predictions of all shots of a shooting; those of one shot stand as `predictionList` has them. */
export const predictionsOfShooting = (shootingId: string) =>
  queryOptions({
    queryKey: keys.predictionsOf(shootingId),
    queryFn: ({ signal }) =>
      everything((page, options) => predictions.listPredictions({ ...page, shootingId }, options), (it) => it.predictions, signal, MOST),
  });

/** The pictures of a shooting that were made last, to see what it is about. */
export const latestPictures = (shootingId: string) =>
  queryOptions({
    queryKey: keys.latest(shootingId),
    queryFn: async ({ signal }) => {
      const { predictions: found } = await predictions.listPredictions({ shootingId, pageSize: LATEST }, { signal });
      return found.filter((it) => it.state === Prediction_State.READY && it.mediaId !== "");
    },
  });

/** One prediction. Those that are asked for together are read together. */
export const predictionQuery = (id: string) =>
  queryOptions({ queryKey: keys.prediction(id), queryFn: () => loadPrediction(id), enabled: id !== "" });
const loadPrediction = batched((ids) => predictions.batchGetPredictions({ ids }).then((it) => it.predictions), 100);

/** What generating these shots would cost. 0 variants take the default of each shot type. */
export const quoteQuery = (shotIds: string[], variantCount: number) =>
  queryOptions({
    queryKey: keys.quote(shotIds, variantCount),
    queryFn: ({ signal }) => generations.quoteGeneration({ shotIds, variantCount }, { signal }),
    enabled: shotIds.length > 0 && shotIds.length <= 100,
  });
