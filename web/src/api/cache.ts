import { create } from "@bufbuild/protobuf";
import { QueryClient, type QueryKey } from "@tanstack/react-query";
import { onEvent, onGap } from "./dispatch";
import type { Event } from "./gen/sartiq/event/v1/event_pb";
import type { PredictionChanged } from "./gen/sartiq/event/v1/payload_pb";
import { Prediction_State, PredictionSchema, type Prediction } from "./gen/sartiq/generation/v1/prediction_pb";
import { keys } from "./keys";

/** What the server said, until an event says that it is no longer so. */
export const cache = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 60_000,
      // The transport has tried again already; what failed for good is shown with a button to try again.
      retry: false,
      refetchOnWindowFocus: true,
      throwOnError: false,
    },
    mutations: { retry: false, networkMode: "always" },
  },
});

/** What is to be read afresh after `event`. */
function stale({ payload }: Event): QueryKey[] {
  switch (payload.case) {
    case "productCreated": case "productUpdated": case "productArchived": case "productRestored":
      return [keys.products(), keys.product(payload.value.productId)];
    case "mediaReady":
      return [keys.mediaList()];
    case "shootingCreated": case "shootingStateChanged":
      return [keys.shootings(), keys.shooting(payload.value.shootingId)];
    case "lookCreated": case "lookUpdated": case "lookDeleted":
      return [keys.looks(payload.value.shootingId), keys.shots(payload.value.shootingId), keys.shooting(payload.value.shootingId), keys.shootings()];
    case "shotStateChanged":
      return [keys.shots(payload.value.shootingId), keys.shooting(payload.value.shootingId), keys.shootings()];
    case "decisionMade": case "decisionUndone":
      return [keys.decisions(payload.value.shotId), keys.shots(payload.value.shootingId)];
    case "generationStarted": case "generationCompleted": case "generationFailed": case "generationCancelled":
      return [
        keys.generations(), keys.generation(payload.value.generationId), keys.predictions(payload.value.shotId),
        keys.workflows(), keys.latest(payload.value.shootingId),
      ];
    case "predictionReady": case "predictionFailed": case "predictionCancelled":
      return [
        keys.generation(payload.value.generationId), keys.predictions(payload.value.shotId),
        keys.prediction(payload.value.predictionId), keys.generations(), keys.latest(payload.value.shootingId),
      ];
    case "taskStarted": case "taskCompleted": case "taskFailed": case "taskRetrying":
      return [keys.tasks(), keys.workflow(payload.value.workflowId)];
    case "workflowEnded":
      return [keys.workflows(), keys.workflow(payload.value.workflowId), keys.tasks()];
    case "exportProgress": case "exportWaiting": case "exportEnded":
      return [keys.exports(), keys.export(payload.value.exportId), keys.exportItems(payload.value.exportId)];
    default:
      return [];
  }
}

const ENDS: Partial<Record<string, Prediction_State>> = {
  predictionReady: Prediction_State.READY, predictionFailed: Prediction_State.FAILED, predictionCancelled: Prediction_State.CANCELLED,
};

/** How often what is stale is read. */
const READ_MS = 250;
/** How long a read that is under way keeps the next one waiting. */
const PATIENCE_MS = 10_000;

/** What is to be read again soon, and since when that is known. */
const waiting = new Map<string, { queryKey: QueryKey; since: number }>();
let timer: ReturnType<typeof setTimeout> | undefined;

/** Lets something be read again. Many requests cause one read, and at most four a second. */
function refresh(queryKey: QueryKey): void {
  const name = JSON.stringify(queryKey);
  if (!waiting.has(name)) waiting.set(name, { queryKey, since: Date.now() });
  timer ??= setTimeout(flush, READ_MS);
}

function flush(): void {
  timer = undefined;
  for (const [name, { queryKey, since }] of waiting) {
    // Whoever is far away would never see an end, if each event cut off the read that the one before it asked for.
    if (cache.isFetching({ queryKey }) > 0 && Date.now() - since < PATIENCE_MS) continue;
    waiting.delete(name);
    void cache.invalidateQueries({ queryKey });
  }
  if (waiting.size > 0) timer = setTimeout(flush, READ_MS);
}

/** Brings one prediction of a whole shooting up to date: what the event says is enough to show it. */
function arrive({ predictionId: id, generationId, shotId, shootingId, index, mediaId }: PredictionChanged, state: Prediction_State): void {
  const queryKey = keys.predictionsOf(shootingId);
  // What is being read may be older than the event.
  if (cache.getQueryState(queryKey)?.fetchStatus === "fetching") refresh(queryKey);
  cache.setQueryData<Prediction[]>(queryKey, (before) => {
    if (!before || before.some((it) => it.id === id)) return before?.map((it) => (it.id === id ? { ...it, state, mediaId } : it));
    // The generation is new: it stands before the older ones of its shot.
    const at = before.findIndex((it) => it.shotId === shotId && (it.generationId !== generationId || it.index > index));
    const made = create(PredictionSchema, { id, generationId, shotId, index, mediaId, state });
    return at < 0 ? [...before, made] : before.toSpliced(at, 0, made);
  });
}

/** Lets events mark what they are about as stale. */
export function keepFresh(): void {
  onEvent((event) => {
    const end = ENDS[event.payload.case ?? ""];
    if (end !== undefined) arrive(event.payload.value as PredictionChanged, end);
    for (const key of stale(event)) refresh(key);
  });
  onGap(() => void cache.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== "url" }));
}
