import type { Decision_Kind, RejectReason } from "~/api/gen/sartiq/shooting/v1/decision_pb";
import { session } from "~/api/session";

/** What somebody decides. Enough to decide it once more. */
export interface Verdict {
  predictionId: string;
  kind: Decision_Kind;
  reason: RejectReason;
  note: string;
}

/** A decision, or an undo of one, that the server may not know of yet. */
export interface UnsentOne {
  /** The same each time it is sent, so that it is done once. */
  requestId: string;
  shotId: string;
  shootingId: string;
  title: string;
  /** The id under which the decision is shown. */
  decisionId?: string;
  /** Without one it undoes the latest decision about the shot. */
  verdict?: Verdict;
}

/** One decision of many. Its id is one of our own until the server has told its. */
export interface Entry extends Verdict { id: string; shotId: string; title: string }

/** Many decisions, or the undo of many, in one call. */
export interface UnsentBatch { requestId: string; shootingId: string; isUndo: boolean; entries: Entry[] }

export type Unsent = UnsentOne | UnsentBatch;

export const shotsOf = (it: Unsent): string[] => ("entries" in it ? [...new Set(it.entries.map((entry) => entry.shotId))] : [it.shotId]);

/** Kept for the tab: it survives a reload, and ends with the tab. */
const key = () => `sartiq.decisions.${session.get()?.id ?? ""}`;

export function unsent(): Unsent[] {
  try {
    return JSON.parse(sessionStorage.getItem(key()) ?? "[]") as Unsent[];
  } catch {
    return [];
  }
}

const write = (all: Unsent[]) => sessionStorage.setItem(key(), JSON.stringify(all));

/** Keeps it, in the place of what has its request id. */
export function keep(it: Unsent): void {
  const all = unsent();
  const index = all.findIndex((other) => other.requestId === it.requestId);
  write(index < 0 ? [...all, it] : all.with(index, it));
}

export function forget(requestIds: string[]): void {
  write(unsent().filter((it) => !requestIds.includes(it.requestId)));
}

/** Decisions have got their ids, or were not made and have none: whoever undoes them undoes those. */
export function rename(ids: ReadonlyMap<string, string>): void {
  write(unsent().map((it) => ("entries" in it && it.isUndo ? { ...it, entries: renamed(it.entries, ids) } : it)));
}

export function renamed(entries: Entry[], ids: ReadonlyMap<string, string>): Entry[] {
  return entries.map((it) => ({ ...it, id: ids.get(it.id) ?? it.id })).filter((it) => it.id !== "");
}
