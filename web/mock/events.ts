import { create } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { EventSchema, type Event } from "~/api/gen/sartiq/event/v1/event_pb";
import type { EventService } from "~/api/gen/sartiq/event/v1/event_service_pb";
import { uuid } from "~/lib/uuid";

const log: Event[] = [];
const waiting = new Set<(event: Event) => void>();

/** Tells everybody who follows that something happened. */
export function emit(payload: Event["payload"]): void {
  const isPassing = payload.case === "taskProgress" || payload.case === "exportProgress";
  const position = isPassing ? 0n : BigInt(log.length + 1);
  const event = create(EventSchema, { id: uuid(), source: "memory", position, time: timestampNow(), payload });
  if (!isPassing) log.push(event);
  for (const tell of [...waiting]) tell(event);
}

export const eventService: Partial<ServiceImpl<typeof EventService>> = {
  async *subscribe({ cursor }, { signal }) {
    const queue = log.slice(Number(cursor || log.length));
    let at = log.length - queue.length;
    let wake = () => undefined as void;
    const tell = (event: Event) => {
      queue.push(event);
      wake();
    };
    waiting.add(tell);
    signal.addEventListener("abort", () => wake());
    try {
      yield { cursor: String(at), message: { case: "heartbeat" as const, value: { time: timestampNow() } } };
      while (!signal.aborted) {
        const event = queue.shift();
        if (event) {
          at = Math.max(at, Number(event.position));
          yield { cursor: String(at), message: { case: "event" as const, value: event } };
          continue;
        }
        const beat = setTimeout(() => wake(), 15_000);
        await new Promise<void>((resolve) => (wake = resolve));
        clearTimeout(beat);
        if (queue.length === 0) yield { cursor: String(at), message: { case: "heartbeat" as const, value: { time: timestampNow() } } };
      }
    } finally {
      waiting.delete(tell);
    }
  },
  poll: ({ cursor }) => {
    const events = cursor ? log.slice(Number(cursor)) : [];
    return { events, cursor: String(log.length) };
  },
};
