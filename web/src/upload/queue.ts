import { problemOf, type Problem } from "~/api/errors";
import { session } from "~/api/session";
import { createStore } from "~/lib/store";
import { typeOf, unfit } from "./fitness";
import { transfer } from "./transfer";

/** What became of a file that is stored, such as `New product TOTE-01`. */
export interface Outcome { text: string; to?: string; /** What is worth a look. */ note?: string }

/** A file to bring in, and what is done with it then. */
export interface Order { file: File; place: (mediaId: string) => Promise<Outcome> }

export type ItemState = "waiting" | "sending" | "judging" | "stored" | "refused" | "failed" | "stopped";

/** A file in the tray. */
export interface Item {
  id: number;
  name: string;
  size: number;
  state: ItemState;
  sent: number;
  /** The bytes were there already. */
  wasKnown: boolean;
  outcome: Outcome | undefined;
  /** Why it was refused, or what failed. */
  problem: Problem | undefined;
}

/** More at once are no faster, and hold more pictures in memory. */
const AT_ONCE = 4;
/** The tray is painted at most so often, whatever the network does. */
const PACE_MS = 100;

interface Job { order: Order; abort: AbortController; mediaId: string }

export const items = createStore<readonly Item[]>([]);
const jobs = new Map<number, Job>();
let last = 0;
let running = 0;
let latest: readonly Item[] = [];
let timer: ReturnType<typeof setTimeout> | undefined;

function publish(): void {
  timer ??= setTimeout(() => {
    timer = undefined;
    items.set(latest);
  }, PACE_MS);
}

function change(id: number, part: Partial<Item>): void {
  latest = latest.map((it) => (it.id === id ? { ...it, ...part } : it));
  publish();
}

/** Brings files in, a few at a time. Each lives on its own. */
export function enqueue(orders: Order[]): void {
  refuse(orders.map((it) => it.file).filter(unfit));
  const fit = orders.filter((it) => !unfit(it.file));
  const added = fit.map((order) => {
    const item = itemOf(order.file);
    jobs.set(item.id, { order, abort: new AbortController(), mediaId: "" });
    return item;
  });
  latest = [...latest, ...added];
  items.set(latest);
  advance();
}

/** Explains in the tray why files are not brought in. */
export function refuse(files: File[]): void {
  if (files.length === 0) return;
  latest = [...latest, ...files.map((file): Item => ({ ...itemOf(file), state: "refused", problem: unfit(file) }))];
  items.set(latest);
}

function itemOf({ name, size }: File): Item {
  return { id: (last += 1), name, size, state: "waiting", sent: 0, wasKnown: false, outcome: undefined, problem: undefined };
}

export function retry(id: number): void {
  const job = jobs.get(id);
  if (!job) return;
  job.abort = new AbortController();
  change(id, { state: "waiting", problem: undefined, sent: 0 });
  advance();
}

export function stop(id: number): void {
  jobs.get(id)?.abort.abort();
  change(id, { state: "stopped" });
}

/** Takes what has ended out of the tray. */
export function clear(): void {
  const ended = latest.filter((it) => isEnded(it.state));
  ended.forEach((it) => jobs.delete(it.id));
  latest = latest.filter((it) => !isEnded(it.state));
  items.set(latest);
}

export function isEnded(state: ItemState): boolean {
  return state !== "waiting" && state !== "sending" && state !== "judging";
}

function advance(): void {
  while (running < AT_ONCE) {
    const next = latest.find((it) => it.state === "waiting");
    const job = next && jobs.get(next.id);
    if (!job) return;
    running += 1;
    change(next.id, { state: "sending" });
    void run(next.id, job).finally(() => {
      running -= 1;
      advance();
    });
  }
}

async function run(id: number, job: Job): Promise<void> {
  const { order: { file, place }, abort: { signal } } = job;
  try {
    if (!job.mediaId) {
      const arrival = await transfer(file, typeOf(file), {
        signal,
        onSent: (sent) => change(id, { sent }),
        onJudging: () => change(id, { state: "judging", sent: file.size }),
      });
      job.mediaId = arrival.mediaId;
      change(id, { wasKnown: arrival.wasKnown });
    }
    change(id, { state: "judging", sent: file.size });
    const outcome = await place(job.mediaId);
    change(id, { state: "stored", outcome });
    jobs.delete(id);
  } catch (error) {
    if (signal.aborted) return change(id, { state: "stopped" });
    const problem = problemOf(error);
    const isRefused = !job.mediaId && !problem.isRetryable && problem.reason !== "";
    change(id, { state: isRefused ? "refused" : "failed", problem });
    if (isRefused) jobs.delete(id);
  }
}

// What one user sends, no other one gets to see.
let owner = session.get()?.organizationId;
session.subscribe(() => {
  const next = session.get()?.organizationId;
  if (next === owner) return;
  owner = next;
  jobs.forEach((it) => it.abort.abort());
  jobs.clear();
  latest = [];
  items.set(latest);
});

window.addEventListener("beforeunload", (event) => {
  if (latest.some((it) => !isEnded(it.state))) event.preventDefault();
});
