import { session } from "~/api/session";
import type { Verdict } from "./decisions";

/** A decision, or an undo of one, that the server may not know of yet. */
export interface Unsent {
  /** The same each time it is sent, so that it is done once. */
  requestId: string;
  shotId: string;
  shootingId: string;
  title: string;
  /** Without one it undoes the latest decision about the shot. */
  verdict?: Verdict;
}

/** Kept for the tab: it survives a reload, and ends with the tab. */
const key = () => `sartiq.decisions.${session.get()?.id ?? ""}`;

export function unsent(): Unsent[] {
  try {
    return JSON.parse(sessionStorage.getItem(key()) ?? "[]") as Unsent[];
  } catch {
    return [];
  }
}

export function keep(it: Unsent): void {
  sessionStorage.setItem(key(), JSON.stringify([...unsent(), it]));
}

export function forget(requestIds: string[]): void {
  sessionStorage.setItem(key(), JSON.stringify(unsent().filter((it) => !requestIds.includes(it.requestId))));
}
