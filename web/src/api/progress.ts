import { useSyncExternalStore } from "react";
import { onEvent } from "./dispatch";

/** How far one task is. */
export interface Progress {
  /** From 0 to 100, if the provider says so. */
  percent: number | undefined;
  /** How many are before it at the provider, if it waits there. */
  queuePosition: number | undefined;
  provider: string;
  message: string;
  /** Why it is tried again, if it is. */
  retrying: string;
}

type Nodes = Readonly<Record<string, Progress>>;

/** A task may tell faster than anybody can look: it is shown at most four times a second. */
const PACE_MS = 250;
const NONE: Nodes = {};
const shown = new Map<string, Nodes>();
const listeners = new Set<() => void>();
const told = new Map<string, Record<string, Progress | undefined>>();
let timer: ReturnType<typeof setTimeout> | undefined;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function note(generationId: string, node: string, progress: Progress | undefined): void {
  told.set(generationId, { ...told.get(generationId), [node]: progress });
  timer ??= setTimeout(flush, PACE_MS);
}

function flush(): void {
  timer = undefined;
  for (const [id, changes] of told) {
    const next = Object.entries({ ...shown.get(id), ...changes }).filter(([, it]) => it !== undefined);
    if (next.length === 0) shown.delete(id);
    else shown.set(id, Object.fromEntries(next) as Nodes);
  }
  told.clear();
  for (const listener of [...listeners]) listener();
}

onEvent(({ payload }) => {
  switch (payload.case) {
    case "taskProgress": {
      const { reference, node, percent, queuePosition, provider, message } = payload.value;
      return note(reference, node, { percent, queuePosition, provider, message, retrying: "" });
    }
    case "taskRetrying": {
      const { reference, node, errorMessage } = payload.value;
      return note(reference, node, { percent: undefined, queuePosition: undefined, provider: "", message: "", retrying: errorMessage });
    }
    case "taskCompleted": case "taskFailed":
      return note(payload.value.reference, payload.value.node, undefined);
  }
});

/**
 * How far the tasks of a generation are, by node: `prompt`, then `image_0` and `post_0` for the picture with the
 * index 0. What has not begun or has ended is not in it.
 */
export function useProgress(generationId: string): Nodes {
  return useSyncExternalStore(subscribe, () => shown.get(generationId) ?? NONE);
}
