import { TriangleAlert, X } from "lucide-react";
import { useEffect } from "react";
import { Link } from "react-router";
import { createStore, useStore } from "~/lib/store";
import { problemOf } from "~/api/errors";
import { Button, IconButton } from "~/ui/button";
import { Dialog } from "~/ui/dialog";
import { RequestId } from "./state";

interface Toast {
  id: number;
  text: string;
  hint?: string;
  requestId?: string;
  isBad?: boolean;
  action?: { label: string; run: () => void };
  /** What it is about, one by one. It stays until it was read. */
  details?: Details;
}

interface Details { title: string; items: { text: string; to: string; message: string; hint: string }[] }

const toasts = createStore<Toast[]>([]);
const read = createStore<Details | undefined>(undefined);
let last = 0;

/** Says something in passing, with a way to take it back where there is one. Answers how to take it down. */
export function toast(text: string, options: Omit<Toast, "id" | "text"> = {}): () => void {
  const id = (last += 1);
  toasts.set([...toasts.get().slice(-3), { id, text, ...options }]);
  return () => dismiss(id);
}

/** Says that something was done, and offers to undo it. */
export function undoToast(text: string, undo: () => void): () => void {
  return toast(text, { action: { label: "Undo", run: undo } });
}

/** Says what went wrong. */
export function errorToast(error: unknown): void {
  const { message, hint, requestId } = problemOf(error);
  toast(message, { hint, requestId, isBad: true });
}

function dismiss(id: number): void {
  toasts.set(toasts.get().filter((it) => it.id !== id));
}

/** Where toasts stand. A polite live region: it waits until the reader has finished. */
export function Toasts() {
  const shown = useStore(toasts);
  const details = useStore(read);
  return (
    <>
      <div aria-live="polite" role="status" aria-label="Notices" className="pointer-events-none fixed inset-x-3 bottom-[calc(var(--foot,0px)+0.75rem)] in-[body:has([data-decision-bar])]:bottom-36 z-50 flex flex-col items-center gap-2">
        {shown.map((it) => <ToastCard key={it.id} toast={it} />)}
      </div>
      {details && <DetailsDialog details={details} />}
    </>
  );
}

function ToastCard({ toast: { id, text, hint, requestId, isBad, action, details } }: { toast: Toast }) {
  useEffect(() => {
    if (details) return;
    const timer = setTimeout(() => dismiss(id), isBad ? 12_000 : 7_000);
    return () => clearTimeout(timer);
  }, [id, isBad, details]);
  return (
    <div className="pointer-events-auto flex max-w-[min(36rem,100%)] items-center gap-3 rounded-lg bg-raised py-1.5 pl-3 pr-1.5 shadow-pop">
      {isBad && <TriangleAlert aria-label="Problem" className="size-4 shrink-0 text-bad" />}
      <div className="min-w-0 py-1">
        <p>{text} {hint && <span className="text-soft">{hint}</span>}</p>
        {requestId && <RequestId id={requestId} />}
      </div>
      {details && <Button small onClick={() => { read.set(details); dismiss(id); }}>Show them</Button>}
      {action && <Button small onClick={() => { action.run(); dismiss(id); }}>{action.label}</Button>}
      <IconButton label="Dismiss" icon={X} onClick={() => dismiss(id)} className="size-6" />
    </div>
  );
}

/** What a toast is about, one by one, each with the way to it. */
function DetailsDialog({ details: { title, items } }: { details: Details }) {
  const close = () => read.set(undefined);
  return (
    <Dialog title={title} onClose={close}>
      <ul className="grid gap-3">
        {items.map(({ text, to, message, hint }) => (
          <li key={to}>
            <Link to={to} onClick={close} className="inline-flex min-h-6 items-center font-medium text-accent hover:underline">{text}</Link>
            <p>{message} {hint && <span className="text-soft">{hint}</span>}</p>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
