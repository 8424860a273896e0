import { cache } from "~/api/cache";
import { keys } from "~/api/keys";
import { createStore } from "~/lib/store";
import { painted } from "~/lib/painted";
import { remark } from "./marks";
import { send, type Outcome } from "./send";
import { forget, keep, shotsOf, type Unsent } from "./unsent";

interface Job {
  record: Unsent;
  /** What will not be sent, since what it followed was refused. */
  dropped: Outcome[];
  onEnd: (outcomes: Outcome[]) => void;
}

/**
 * What is decided about one shot goes one after another; shots do not wait for each other. What is about many stands in the
 * line of each, and goes when it is the first in all of them.
 */
const lines = new Map<string, Job[]>();
/** How many decisions have not reached the server. */
export const waiting = createStore(0);

function count(): void {
  waiting.set([...lines.values()].reduce((sum, it) => sum + it.length, 0));
}

const online = () => navigator.onLine ? undefined : new Promise((resolve) => window.addEventListener("online", resolve, { once: true }));

/** Sends it after what was decided about its shots before. Answers what became of each. */
export function lineUp(record: Unsent): Promise<Outcome[]> {
  keep(record);
  return new Promise((onEnd) => {
    const job: Job = { record, dropped: [], onEnd };
    for (const id of shotsOf(record)) lines.set(id, [...(lines.get(id) ?? []), job]);
    count();
    begin(job);
  });
}

function begin(job: Job): void {
  if (shotsOf(job.record).every((id) => lines.get(id)?.[0] === job)) void work(job);
}

async function work(job: Job): Promise<void> {
  const shotIds = shotsOf(job.record);
  let outcomes: Outcome[];
  try {
    // It is kept already: the next picture goes first.
    await painted();
    await online();
    outcomes = await send(job.record);
  } catch (error) {
    outcomes = shotIds.map((shotId) => ({ shotId, decisions: [], error }));
  }
  forget([job.record.requestId]);
  for (const id of shotIds) lines.set(id, lines.get(id)!.slice(1));
  const rest = outcomes.flatMap(({ shotId, error }) => (error ? drop(shotId, error) : []));
  settle(job.record, outcomes);
  const next = new Set([...rest, ...shotIds.flatMap((id) => lines.get(id)?.[0] ?? [])]);
  for (const id of shotIds) if (lines.get(id)?.length === 0) lines.delete(id);
  job.onEnd([...outcomes, ...job.dropped]);
  count();
  next.forEach(begin);
}

/** What follows was decided on what did not happen: it goes, too. Answers what goes on without the shot. */
function drop(shotId: string, error: unknown): Job[] {
  const line = lines.get(shotId) ?? [];
  lines.set(shotId, []);
  return line.filter(({ record, dropped, onEnd }) => {
    dropped.push({ shotId, decisions: [], error, isDropped: true });
    if ("entries" in record) record.entries = record.entries.filter((it) => it.shotId !== shotId);
    const isLeft = "entries" in record && record.entries.length > 0;
    if (isLeft) {
      keep(record);
    } else {
      forget([record.requestId]);
      onEnd(dropped);
    }
    return isLeft;
  });
}

/** What is known of the shots from now on. Of those that something was refused about it is read afresh. */
function settle({ shootingId }: Unsent, outcomes: Outcome[]): void {
  const ofShot = new Map(outcomes.map((it) => [it.shotId, it]));
  remark(ofShot.keys(), (id, before) => {
    const { shot, decisions, error } = ofShot.get(id)!;
    if (error || !before) return undefined;
    const isWaiting = (lines.get(id)?.length ?? 0) > 0;
    return {
      shot: isWaiting || !shot ? before.shot : shot,
      isWaiting,
      decisions: before.decisions.flatMap((it) => {
        const told = decisions.find(([known, decision]) => it.id === known || it.id === decision?.id);
        if (!told) return [it];
        return told[1] ? [{ ...told[1], ...(it.undoTime && { undoTime: it.undoTime }) }] : [];
      }),
    };
  });
  const refused = outcomes.filter((it) => it.error);
  if (refused.length === 0) return;
  for (const queryKey of [keys.shots(shootingId), ...refused.map((it) => keys.decisions(it.shotId))]) void cache.invalidateQueries({ queryKey });
}

window.addEventListener("beforeunload", (event) => {
  if (waiting.get() > 0) event.preventDefault();
});
