import { Code, ConnectError } from "@connectrpc/connect";
import { useEffect } from "react";
import { problemOf, type Problem } from "~/api/errors";
import type { Generation } from "~/api/gen/sartiq/generation/v1/generation_pb";
import { generations } from "~/api/generation";
import { session } from "~/api/session";
import { errorToast, toast } from "~/components/toast";
import { count } from "~/lib/format";
import { createStore, useStore } from "~/lib/store";
import { uuid } from "~/lib/uuid";
import { showStarted } from "./runs";

/** How many shots one call takes at most. */
export const LIMIT = 100;
/** What was wanted longer ago is not wanted any more. */
const MEMORY_MS = 60_000;

/** What somebody pressed the button for. */
interface Wish {
  /** The same each time it is sent, so that it is done once. */
  requestId: string;
  shootingId: string;
  time: number;
  /** 0 takes what each shot type says. */
  variantCount: number;
  /** How many pictures of which shot there will be. */
  pictures: [shotId: string, count: number][];
}

/** The latest wish for a shooting, and what has become of it. */
interface Attempt { wish: Wish; isBusy: boolean; error?: unknown }

const attempts = createStore<ReadonlyMap<string, Attempt>>(new Map());

function note(shootingId: string, attempt: Attempt | undefined): void {
  const next = new Map(attempts.get());
  if (attempt) next.set(shootingId, attempt);
  else next.delete(shootingId);
  attempts.set(next);
}

export function chunks<T>(items: T[]): T[][] {
  return Array.from({ length: Math.ceil(items.length / LIMIT) }, (_, at) => items.slice(at * LIMIT, (at + 1) * LIMIT));
}

/** The request id of a part of one request: the same each time it is sent. */
function partId(requestId: string, part: number): string {
  const end = (parseInt(requestId.slice(-4), 16) + part) & 0xffff;
  return requestId.slice(0, -4) + end.toString(16).padStart(4, "0");
}

const KEPT = "sartiq.starting.";
const keyOf = (requestId: string) => `${KEPT}${session.get()?.id ?? ""}.${requestId}`;

/** What this session wanted and got no answer to, in this tab or in one that is gone. */
function unanswered(): Wish[] {
  return Object.keys(localStorage).filter((it) => it.startsWith(KEPT)).flatMap((key) => {
    const wish = JSON.parse(localStorage.getItem(key) ?? "null") as Wish | null;
    if (wish && Date.now() - wish.time < MEMORY_MS) return key === keyOf(wish.requestId) ? [wish] : [];
    localStorage.removeItem(key);
    return [];
  });
}

const REFUSALS = [
  Code.InvalidArgument, Code.NotFound, Code.AlreadyExists, Code.PermissionDenied, Code.FailedPrecondition, Code.OutOfRange, Code.Unimplemented,
];

/** Whether the server has said no. A page that is left may get any other error for what is on its way. */
const isRefusal = (error: unknown) => REFUSALS.includes(ConnectError.from(error).code);

/** Of all tabs one sends a wish; the others wait until it is done or that tab is gone. */
function alone<T>({ requestId }: Wish, work: () => Promise<T>): Promise<T> {
  // Locks are there on secure origins alone.
  return navigator.locks ? navigator.locks.request(`${KEPT}${requestId}`, work) as Promise<T> : work();
}

async function send(wish: Wish): Promise<Generation[]> {
  const { requestId, shootingId, variantCount, pictures } = wish;
  const key = keyOf(requestId);
  note(shootingId, { wish, isBusy: true });
  try {
    const started: Generation[] = [];
    for (const [part, some] of chunks(pictures).entries()) {
      const inputs = some.map(([shotId]) => ({ shotId, variantCount }));
      started.push(...(await generations.batchStartGenerations({ requestId: partId(requestId, part), generations: inputs })).generations);
    }
    localStorage.removeItem(key);
    showStarted(shootingId, started);
    note(shootingId, undefined);
    return started;
  } catch (error) {
    // What was not answered is sent again as it was, also by the page that is loaded next.
    if (isRefusal(error)) localStorage.removeItem(key);
    note(shootingId, { wish, isBusy: false, error });
    throw error;
  }
}

/** Sends again what was on its way when its page was left, wherever the app is opened next. */
export function resume(): void {
  for (const wish of unanswered().filter((it) => !attempts.get().get(it.shootingId)?.isBusy)) {
    void alone(wish, async () => {
      // The tab that it was pressed in has had its answer.
      if (localStorage.getItem(keyOf(wish.requestId)) === null) return;
      const started = await send(wish);
      toast(`${count(started.length, "run")} started.`);
    }).catch(errorToast);
  }
}

interface Start {
  start: (variantCount: number, pictures: Wish["pictures"]) => void;
  /** What is being started right now: the shots and how many pictures of each. */
  starting: Wish["pictures"];
  busy: boolean;
  error: unknown;
  problem: Problem | undefined;
  /** The shots of the last attempt, in the order that field errors count them. */
  shotIds: string[];
}

/**
 * Starts runs. A second click starts nothing more, and neither does a page that is left while it waits for the answer:
 * what was wanted is sent again with the same request id, so that it is there, once.
 */
export function useStart(shootingId: string, onStarted: () => void): Start {
  const attempt = useStore(attempts).get(shootingId);
  // What went wrong is said until the page is left.
  useEffect(() => () => {
    if (!attempts.get().get(shootingId)?.isBusy) note(shootingId, undefined);
  }, [shootingId]);
  const { wish, isBusy = false, error } = attempt ?? {};
  return {
    start: (variantCount, pictures) => {
      if (attempts.get().get(shootingId)?.isBusy) return;
      const isSame = (it: Wish) => it.shootingId === shootingId && it.variantCount === variantCount && JSON.stringify(it.pictures) === JSON.stringify(pictures);
      const requestId = unanswered().find(isSame)?.requestId ?? uuid();
      const next = { requestId, shootingId, time: Date.now(), variantCount, pictures };
      localStorage.setItem(keyOf(requestId), JSON.stringify(next));
      note(shootingId, { wish: next, isBusy: true });
      void alone(next, () => send(next)).then(onStarted, () => undefined);
    },
    starting: isBusy && wish ? wish.pictures : [],
    busy: isBusy,
    error,
    problem: error ? problemOf(error) : undefined,
    shotIds: wish?.pictures.map(([shotId]) => shotId) ?? [],
  };
}
