import { createGrpcWebTransport } from "@connectrpc/connect-web";
import type { Transport } from "@connectrpc/connect";
import { interceptors } from "./interceptors";

/** How long a call may take, retries included. Streams have no limit. */
export const DEADLINE_MS = 20_000;

let current: Transport | undefined;

function gateway(): Transport {
  return createGrpcWebTransport({ baseUrl: window.location.origin, interceptors, defaultTimeoutMs: DEADLINE_MS });
}

/** Lets another transport answer: the one in memory, while developing. */
export function useInstead(transport: Transport): void {
  current = transport;
}

/** The way to the gateway. All clients are made with it. */
export const transport: Transport = {
  unary: (...call) => (current ??= gateway()).unary(...call),
  stream: (...call) => (current ??= gateway()).stream(...call),
};
