import { CircleCheck, CircleStop, CircleX, Clock, CopyCheck, Info, LoaderCircle, RotateCw, Upload, X } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { Link } from "react-router";
import { useRights } from "~/api/identity";
import { bytes, count } from "~/lib/format";
import { useStore } from "~/lib/store";
import { clear, isEnded, items, retry, stop, type Item } from "~/upload/queue";
import { Badge } from "~/ui/badge";
import { Button, IconButton } from "~/ui/button";
import { Progress } from "~/ui/progress";
import { RequestId } from "./state";

function total(all: readonly Item[]) {
  const sent = all.reduce((sum, it) => sum + (isEnded(it.state) ? it.size : it.sent), 0);
  const size = all.reduce((sum, it) => sum + it.size, 0);
  const of = (...states: Item["state"][]) => all.filter((it) => states.includes(it.state)).length;
  return { percent: size ? (sent / size) * 100 : 100, stored: of("stored"), refused: of("refused"), failed: of("failed"), open: all.filter((it) => !isEnded(it.state)).length };
}

/** The files on their way in. It follows across pages, and opens by itself when files are added. */
export function UploadTray() {
  const all = useStore(items);
  const [isOpen, setOpen] = useState(false);
  const before = useRef(all.length);
  const { make } = useRights();
  useEffect(() => {
    if (before.current < all.length) setOpen(true);
    before.current = all.length;
  }, [all.length]);
  if (!make) return null;
  const { percent, stored, refused, failed, open } = total(all);
  const summary = [`${stored} of ${count(all.length, "file")} stored`, refused && `${refused} refused`, failed && `${failed} failed`].filter(Boolean).join(", ");
  return (
    <div className="relative">
      <button
        type="button"
        aria-expanded={isOpen}
        aria-label={all.length ? `Uploads: ${summary}` : "Uploads"}
        onClick={() => setOpen(!isOpen)}
        className="inline-flex h-8 items-center gap-1.5 rounded-md px-2 text-soft hover:bg-hover hover:text-ink"
      >
        {open > 0 ? <LoaderCircle aria-hidden className="size-4 animate-spin" /> : <Upload aria-hidden className="size-4" />}
        {open > 0 && <span className="tabular-nums">{Math.floor(percent)} %</span>}
        {open === 0 && refused + failed > 0 && <CircleX aria-hidden className="size-3.5 text-bad" />}
      </button>
      <p role="status" className="sr-only">{all.length > 0 && open === 0 ? `Uploads ended: ${summary}` : ""}</p>
      {isOpen && (
        <section aria-label="Uploads" className="fixed bottom-2 right-2 in-[body:has([data-decision-bar])]:bottom-36 z-40 flex max-h-[70dvh] max-md:bottom-16 w-[min(24rem,calc(100vw-1rem))] flex-col rounded-lg bg-raised shadow-pop">
          <header className="flex items-center gap-1 border-b py-1.5 pl-3 pr-1.5">
            <h2 className="min-w-0 flex-1 py-1 font-medium">{all.length ? summary : "Uploads"}</h2>
            {all.length > open && <Button small look="quiet" onClick={clear}>Clear ended</Button>}
            <IconButton label="Close uploads" icon={X} onClick={() => setOpen(false)} />
          </header>
          {open > 0 && <Progress label="All uploads" value={percent} className="rounded-none" />}
          {all.length === 0 && <p className="p-4 text-soft">Drop photos on the products page to bring them in.</p>}
          <ul className="min-h-0 overflow-y-auto py-1">
            {[...all].sort((one, other) => rank(one) - rank(other)).map((it) => <Row key={it.id} item={it} />)}
          </ul>
        </section>
      )}
    </div>
  );
}

/** What needs somebody comes first, then what goes on. */
function rank({ state }: Item): number {
  return ["refused", "failed", "sending", "judging", "waiting", "stopped", "stored"].indexOf(state);
}

function Row({ item: { id, name, size, state, sent, wasKnown, outcome, problem } }: { item: Item }) {
  const isOpen = !isEnded(state);
  return (
    <li className="flex items-start gap-2 px-3 py-1.5" data-state={state}>
      <div className="min-w-0 flex-1">
        <p className="flex items-baseline gap-2">
          <span className="min-w-0 flex-1 truncate" title={name}>{name}</span>
          <span className="shrink-0 text-xs text-soft">{bytes(size)}</span>
        </p>
        {state === "sending" && <Progress label={`Sending ${name}`} value={size ? (sent / size) * 100 : 0} className="my-1" />}
        {state === "waiting" && <Badge icon={Clock}>Waiting</Badge>}
        {state === "judging" && <Badge icon={LoaderCircle} tone="accent" spin>Checking</Badge>}
        {state === "stopped" && <Badge icon={CircleStop}>Stopped</Badge>}
        {state === "stored" && (
          <span className="flex min-w-0 items-center gap-2">
            <Badge icon={wasKnown ? CopyCheck : CircleCheck} tone="ok">{wasKnown ? "Was here already" : "Stored"}</Badge>
            {outcome?.to ? <Link to={outcome.to} className="inline-flex min-h-6 min-w-0 items-center truncate text-xs text-accent underline">{outcome.text}</Link> : <span className="truncate text-xs text-soft">{outcome?.text}</span>}
          </span>
        )}
        {outcome?.note && <p className="text-xs"><Badge icon={Info} tone="warn">Look</Badge> <span className="text-soft">{outcome.note}</span></p>}
        {problem && (
          <div>
            <p className="text-xs"><Badge icon={CircleX} tone="bad">{state === "refused" ? "Refused" : "Failed"}</Badge> {problem.message} <span className="text-soft">{problem.hint}</span></p>
            {problem.requestId && <RequestId id={problem.requestId} />}
          </div>
        )}
      </div>
      {isOpen && <IconButton label={`Stop ${name}`} icon={CircleStop} onClick={() => stop(id)} className="size-6" />}
      {state === "failed" && <IconButton label={`Try ${name} again`} icon={RotateCw} onClick={() => retry(id)} className="size-6" />}
    </li>
  );
}
