import { useEffect, useRef } from "react";
import type { Event } from "./gen/sartiq/event/v1/event_pb";
import { createStore } from "~/lib/store";

type Payload = Event["payload"];
export type EventKind = NonNullable<Payload["case"]>;
export type PayloadOf<K extends EventKind> = Extract<Payload, { case: K }>["value"];
type Listener = (event: Event) => void;

const listeners = new Set<Listener>();
const gaps = new Set<() => void>();
/** How far each source was handled in this tab: no event is handled twice. */
const positions = new Map<string, bigint>();
/** How many lasting events this tab handled. */
export const handled = createStore(0);

/** Hands `event` to everybody who listens, unless it was handed out before. */
export function handle(event: Event): void {
  if (event.position > 0n) {
    if (event.position <= (positions.get(event.source) ?? 0n)) return;
    positions.set(event.source, event.position);
    handled.set(handled.get() + 1);
    // For whoever watches from outside of the app: each event once, in order.
    const detail = { id: event.id, source: event.source, position: Number(event.position), kind: event.payload.case };
    window.dispatchEvent(new CustomEvent("sartiq:event", { detail }));
  }
  for (const listener of [...listeners]) listener(event);
}

/** Events may have been missed: what is shown must be read afresh. */
export function missed(): void {
  for (const listener of [...gaps]) listener();
}

export function onEvent(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function onGap(listener: () => void): () => void {
  gaps.add(listener);
  return () => gaps.delete(listener);
}

/** Calls `listener` with each event of `kind` while the component is shown. */
export function useEvent<K extends EventKind>(kind: K, listener: (payload: PayloadOf<K>, event: Event) => void): void {
  const latest = useRef(listener);
  useEffect(() => {
    latest.current = listener;
  });
  useEffect(
    () => onEvent((event) => {
      if (event.payload.case === kind) latest.current(event.payload.value as PayloadOf<K>, event);
    }),
    [kind],
  );
}
