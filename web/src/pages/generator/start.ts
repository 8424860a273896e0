import { Code, ConnectError } from "@connectrpc/connect";
import { useMutation } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { problemOf, type Problem } from "~/api/errors";
import type { Generation } from "~/api/gen/sartiq/generation/v1/generation_pb";
import { generations } from "~/api/generation";
import { uuid } from "~/lib/uuid";

/** How many shots one call takes at most. */
export const LIMIT = 100;
/** What was wanted longer ago is not wanted any more. */
const MEMORY_MS = 60_000;

/** What somebody pressed the button for. */
interface Wish {
  requestId: string;
  time: number;
  /** 0 takes what each shot type says. */
  variantCount: number;
  /** How many pictures of which shot there will be. */
  pictures: [shotId: string, count: number][];
}

export function chunks<T>(items: T[]): T[][] {
  return Array.from({ length: Math.ceil(items.length / LIMIT) }, (_, at) => items.slice(at * LIMIT, (at + 1) * LIMIT));
}

/** The request id of a part of one request: the same each time it is sent. */
function partId(requestId: string, part: number): string {
  const end = (parseInt(requestId.slice(-4), 16) + part) & 0xffff;
  return requestId.slice(0, -4) + end.toString(16).padStart(4, "0");
}

function recall(key: string): Wish | undefined {
  try {
    const wish = JSON.parse(sessionStorage.getItem(key) ?? "null") as Wish | null;
    return wish && Date.now() - wish.time < MEMORY_MS ? wish : undefined;
  } catch {
    return undefined;
  }
}

const REFUSALS = [
  Code.InvalidArgument, Code.NotFound, Code.AlreadyExists, Code.PermissionDenied, Code.FailedPrecondition, Code.OutOfRange, Code.Unimplemented,
];

/** Whether the server has said no. A page that is left may get any other error for what is on its way. */
const isRefusal = (error: unknown) => REFUSALS.includes(ConnectError.from(error).code);

async function send({ requestId, variantCount, pictures }: Wish): Promise<Generation[]> {
  const started: Generation[] = [];
  for (const [part, some] of chunks(pictures).entries()) {
    const inputs = some.map(([shotId]) => ({ shotId, variantCount }));
    started.push(...(await generations.batchStartGenerations({ requestId: partId(requestId, part), generations: inputs })).generations);
  }
  return started;
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
 * Starts runs. A second click starts nothing more, and neither does a page that is reloaded while it waits for the
 * answer: it asks again with the same request id, so that what was wanted is there, once.
 */
export function useStart(shootingId: string, onStarted: (started: Generation[]) => void): Start {
  const key = `sartiq.starting.${shootingId}`;
  const isSending = useRef(false);
  const { mutate, isPending, variables, error } = useMutation({
    mutationFn: send,
    onMutate: (wish) => sessionStorage.setItem(key, JSON.stringify(wish)),
    onSuccess: (started) => {
      sessionStorage.removeItem(key);
      onStarted(started);
    },
    onError: (failure) => {
      // What was not answered is sent again as it was, also by the page that is loaded next.
      if (isRefusal(failure)) sessionStorage.removeItem(key);
    },
    onSettled: () => (isSending.current = false),
  });
  const begin = (wish: Wish) => {
    if (isSending.current) return;
    isSending.current = true;
    mutate(wish);
  };
  useEffect(() => {
    const wish = recall(key);
    if (wish) begin(wish);
    // Only what was wanted before this page was loaded.
  }, [key]);
  return {
    start: (variantCount, pictures) => {
      const before = recall(key);
      const isSame = before && before.variantCount === variantCount && JSON.stringify(before.pictures) === JSON.stringify(pictures);
      begin({ requestId: isSame ? before.requestId : uuid(), time: Date.now(), variantCount, pictures });
    },
    starting: isPending ? variables.pictures : [],
    busy: isPending,
    error: error ?? undefined,
    problem: error ? problemOf(error) : undefined,
    shotIds: variables?.pictures.map(([shotId]) => shotId) ?? [],
  };
}
