import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { Decision } from "~/api/gen/sartiq/shooting/v1/decision_pb";
import type { Shot } from "~/api/gen/sartiq/shooting/v1/shot_pb";
import { createStore } from "~/lib/store";

/** What is known here about a shot and is newer than what was read. */
export interface Mark { shot: Shot; decisions: Decision[]; isWaiting: boolean }

export const marks = createStore<ReadonlyMap<string, Mark>>(new Map());

const isNewer = (one: Timestamp | undefined, other: Timestamp | undefined) =>
  (one?.seconds ?? 0n) > (other?.seconds ?? 0n) || (one?.seconds === other?.seconds && (one?.nanos ?? 0) > (other?.nanos ?? 0));

/** The shot as it is, what was decided a moment ago included. */
export function present(shot: Shot, known: ReadonlyMap<string, Mark>): Shot {
  const mark = known.get(shot.id);
  return mark && (mark.isWaiting || isNewer(mark.shot.updateTime, shot.updateTime)) ? mark.shot : shot;
}

/** The decisions about a shot, newest first, those of a moment ago included. */
export function decided(read: Decision[] | undefined, mark: Mark | undefined): Decision[] {
  const own = mark?.decisions ?? [];
  const fresh = own.filter((it) => !read?.some((other) => other.id === it.id));
  return [...fresh, ...(read ?? []).map((it) => own.find((other) => other.id === it.id && other.undoTime) ?? it)];
}

/** What stands about a prediction. */
export function standing(decisions: Decision[], predictionId: string): Decision | undefined {
  return decisions.find((it) => it.predictionId === predictionId && !it.undoTime);
}

/** Changes what is known about some shots, all at once. What `change` leaves out is known no more. */
export function remark(shotIds: Iterable<string>, change: (shotId: string, before: Mark | undefined) => Mark | undefined): void {
  const next = new Map(marks.get());
  for (const id of shotIds) {
    const mark = change(id, next.get(id));
    if (mark) next.set(id, mark);
    else next.delete(id);
  }
  marks.set(next);
}

/** What is known of a shot after these were decided, or undone, and the server does not know it yet. */
export function optimistic(shot: Shot, decisions: Decision[], before: Mark | undefined): Mark {
  const others = (before?.decisions ?? []).filter((it) => !decisions.some((other) => other.id === it.id));
  return { shot, isWaiting: true, decisions: [...decisions, ...others] };
}
