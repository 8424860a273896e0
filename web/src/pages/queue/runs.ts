import { Generation_State, type Generation } from "~/api/gen/sartiq/generation/v1/generation_pb";
import { generations } from "~/api/generation";
import { date, seconds } from "~/lib/format";
import { uuid } from "~/lib/uuid";
import type { Progress } from "~/api/progress";

export const isRunning = ({ state }: Generation) => state === Generation_State.PENDING || state === Generation_State.PROCESSING;
/** Whether something of it was not made that may be tried once more. */
export const canRetry = (it: Generation) => !isRunning(it) && (it.failedCount > 0 || it.state === Generation_State.FAILED || it.state === Generation_State.CANCELLED);

/** How many pictures were not made. */
export const missing = (it: Generation) => Math.max(1, it.requestedCount - it.readyCount);

type Nodes = Readonly<Record<string, Progress>>;
/** How much of a picture is its finish. */
const FINISH = 0.2;

/** From 0 to 100: what was read, or what was told since, whatever is more. */
export function percentOf(it: Generation, nodes: Nodes): number {
  const parts = Object.entries(nodes).map(([node, { percent = 0 }]) =>
    node.startsWith("post_") ? 100 * (1 - FINISH) + percent * FINISH : node.startsWith("image_") ? percent * (1 - FINISH) : 0);
  const live = parts.reduce((sum, one) => sum + one, (it.readyCount + it.failedCount) * 100) / Math.max(1, it.requestedCount);
  return Math.max(it.progressPercent, Math.min(99, live));
}

/** The state that was read, unless the stream has told since that it is being made. */
export function stateOf(it: Generation, nodes: Nodes): Generation_State {
  const isMade = Object.values(nodes).some((one) => one.percent !== undefined);
  return it.state === Generation_State.PENDING && isMade ? Generation_State.PROCESSING : it.state;
}

/** `3 before it`, `about 40 s left`: when it will be there, as far as anybody can tell. */
export function outlook(it: Generation, nodes: Nodes, now: number): string {
  const told = Object.values(nodes);
  const retrying = told.find((one) => one.retrying);
  if (retrying) return "trying again";
  const places = told.flatMap((one) => one.queuePosition ?? []);
  const percent = percentOf(it, nodes);
  if (places.length > 0 && places.length === told.length) {
    const place = Math.min(...places);
    return place === 0 ? "next in line" : `${place} before it`;
  }
  const start = date(it.createTime)?.getTime();
  if (!start || percent < 10) return "";
  const left = ((now - start) / percent) * (100 - percent);
  return `about ${seconds(Math.max(1, left / 1000))} left`;
}

export const took = (it: Generation) => {
  const [start, end] = [date(it.createTime)?.getTime(), date(it.endTime)?.getTime()];
  return start && end ? seconds((end - start) / 1000) : "";
};

export const cancel = (id: string) => generations.cancelGeneration({ requestId: uuid(), id });

/** How many runs one call starts at most. */
const LIMIT = 100;

/** Starts again what was not made: for the same shots, with the same notes. */
export async function again(runs: Generation[]): Promise<Generation[]> {
  const started: Generation[] = [];
  for (let at = 0; at < runs.length; at += LIMIT) {
    const some = runs.slice(at, at + LIMIT).map((it) => ({ shotId: it.shotId, variantCount: missing(it), parentPredictionId: it.parentPredictionId, note: it.note }));
    started.push(...(await generations.batchStartGenerations({ requestId: uuid(), generations: some })).generations);
  }
  return started;
}
