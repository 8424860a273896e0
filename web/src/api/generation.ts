import { createClient } from "@connectrpc/connect";
import { queryOptions } from "@tanstack/react-query";
import { batched } from "~/lib/batch";
import { GenerationService } from "./gen/sartiq/generation/v1/generation_service_pb";
import { PredictionService } from "./gen/sartiq/generation/v1/prediction_service_pb";
import { keys } from "./keys";
import { everything, paged } from "./pages";
import { transport } from "./transport";

export const generations = createClient(GenerationService, transport);
export const predictions = createClient(PredictionService, transport);

/** All generations, or those of one shooting, newest first. */
export const generationList = (shootingId = "") =>
  paged(shootingId ? keys.generationsOf(shootingId) : keys.generations(), (page, options) =>
    generations.listGenerations({ ...page, shootingId }, options));

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
