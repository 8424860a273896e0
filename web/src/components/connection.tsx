import { CloudOff } from "lucide-react";
import { useEffect, useRef, useState, useSyncExternalStore } from "react";
import { handled } from "~/api/dispatch";
import { connection, type Connection } from "~/api/live";
import { count } from "~/lib/format";
import { cx } from "~/lib/cx";
import { useStore } from "~/lib/store";
import { toast } from "./toast";

const WORDS: Record<Connection, string> = {
  connecting: "Connecting", live: "Live", polling: "Live, a little late", reconnecting: "Reconnecting", offline: "Offline",
};
/** Shorter breaks are nobody's concern. */
const PATIENCE_MS = 2_000;

export function useOnline(): boolean {
  return useSyncExternalStore(
    (listener) => {
      window.addEventListener("online", listener);
      window.addEventListener("offline", listener);
      return () => {
        window.removeEventListener("online", listener);
        window.removeEventListener("offline", listener);
      };
    },
    () => navigator.onLine,
  );
}

/** The state of the live stream, changes of less than two seconds left out. */
function useConnection(): Connection {
  const now = useStore(connection);
  const [shown, setShown] = useState<Connection>("live");
  const before = useRef(0);
  useEffect(() => {
    const isFine = now === "live" || now === "polling";
    if (isFine) {
      setShown(now);
      return;
    }
    const timer = setTimeout(() => {
      setShown(now);
      before.current = handled.get();
    }, now === "offline" ? 0 : PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [now]);
  const wasBroken = useRef(false);
  useEffect(() => {
    if (shown === "reconnecting" || shown === "offline") {
      wasBroken.current = true;
    } else if (wasBroken.current) {
      wasBroken.current = false;
      const timer = setTimeout(() => {
        const missed = handled.get() - before.current;
        if (missed > 0) toast(`Back. Caught up on ${count(missed, "event")}.`);
      }, 1_000);
      return () => clearTimeout(timer);
    }
    return undefined;
  }, [shown]);
  return shown;
}

export function ConnectionDot() {
  const state = useConnection();
  const isFine = state === "live" || state === "polling";
  return (
    <span role="status" aria-label={`Connection: ${WORDS[state]}`} title={WORDS[state]} className="inline-flex h-8 items-center gap-1.5 px-1.5 text-xs text-soft" data-state={state}>
      <span aria-hidden className={cx("size-2 rounded-full", isFine ? "bg-ok" : state === "offline" ? "border-2 border-bad" : "animate-pulse bg-warn")} />
      {!isFine && <span className="max-sm:sr-only">{WORDS[state]}</span>}
    </span>
  );
}

export function OfflineBanner() {
  if (useOnline()) return null;
  return (
    <p role="status" className="flex items-center gap-2 border-b bg-panel px-4 py-1.5 text-warn">
      <CloudOff aria-hidden className="size-4 shrink-0" />
      You are offline. What was loaded can be looked at; generating and sending wait until the network is back.
    </p>
  );
}
