import { useQuery } from "@tanstack/react-query";
import { Check, X } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import type { Prediction } from "~/api/gen/sartiq/generation/v1/prediction_pb";
import { RejectReason } from "~/api/gen/sartiq/shooting/v1/decision_pb";
import { meQuery } from "~/api/identity";
import { useShortcuts } from "~/components/shortcuts";
import { Button } from "~/ui/button";
import { Hint, Note, Reasons } from "./ask";
import type { Asking } from "./bar";
import { approvals, decideAll, rejections, type Choice } from "./bulk";
import type { Frame } from "./reel";
import { REASONS } from "./words";

interface SelectionBarProps {
  shootingId: string;
  /** What is selected, in the order in which it is shown. */
  frames: Frame[];
  /** How many are shown. */
  total: number;
  /** The pictures of each shot that are ready; nothing while that is not known. */
  made: ReadonlyMap<string, Prediction[]> | undefined;
  onClear: () => void;
  /** The focus was in the bar, and goes back to what is selected. */
  onLeave: () => void;
}

/** Notes that were begun, until they are sent. */
const drafts = new Map<string, string>();
const NONE: ReadonlyMap<string, Prediction[]> = new Map();

/** What is done with all that is selected, at the bottom edge. */
export function SelectionBar({ shootingId, frames, total, made, onClear, onLeave }: SelectionBarProps) {
  const [asking, setAsking] = useState<Exclude<Asking, "revision">>("decision");
  const bar = useRef<HTMLElement>(null);
  const userId = useQuery(meQuery()).data?.user?.id ?? "";
  const toApprove = approvals(frames, made ?? NONE);
  const toReject = rejections(frames, made ?? NONE, RejectReason.UNSPECIFIED);
  const settle = (choices: Choice[]) => {
    if (choices.length === 0) return;
    decideAll(shootingId, choices, userId);
    onClear();
    onLeave();
  };
  const approve = () => settle(toApprove);
  const reject = (reason: RejectReason, note?: string) => settle(rejections(frames, made ?? NONE, reason, note));
  const ask = () => void (toReject.length > 0 && setAsking("reason"));
  const choose = (digit: number) => () => {
    const reason = REASONS[digit]![0];
    if (asking !== "reason") return false;
    if (reason === RejectReason.OTHER) setAsking("other");
    else reject(reason);
    return true;
  };
  useShortcuts("Contact sheet", {
    approve, reject: ask, clear: () => (asking === "decision" ? onClear() : setAsking("decision")),
    ...Object.fromEntries(REASONS.map((_, digit) => [`choose${digit + 1}`, choose(digit)])),
  });
  // The button that had the focus is gone: what came in its place has it.
  const leave = useRef(onLeave);
  useEffect(() => {
    leave.current = onLeave;
  });
  const wasAsking = useRef(asking);
  useEffect(() => {
    const isOther = wasAsking.current !== asking;
    wasAsking.current = asking;
    if (!isOther || document.activeElement !== document.body) return;
    if (asking === "reason") bar.current?.querySelector<HTMLElement>("[role=group] button")?.focus();
    else leave.current();
  }, [asking]);
  const few = (choices: Choice[]) => (choices.length === frames.length ? String(frames.length) : `${choices.length} of ${frames.length}`);
  const none = made ? "" : "The pictures are being read.";
  return (
    <section ref={bar} aria-label="Selection" className="flex min-h-12 flex-wrap items-center justify-between gap-x-2 gap-y-1.5 border-t bg-panel px-4 py-2 sm:justify-start sm:px-5">
      <p className="mr-2 whitespace-nowrap font-medium tabular-nums">{said(frames.length, total)}</p>
      {asking === "reason" && <Reasons view="Contact sheet" onReject={reject} onOther={() => setAsking("other")} onBack={() => setAsking("decision")} />}
      {asking === "other" && <Note label="What is wrong with them?" action={`Reject ${few(toReject)}`} onSend={(it) => reject(RejectReason.OTHER, it)} onBack={() => setAsking("decision")} drafts={drafts} draftKey={shootingId} />}
      {asking === "decision" && (
        <>
          <span className="flex gap-2 max-sm:order-1 max-sm:w-full max-sm:[&>*]:flex-1">
            <Button look="primary" icon={Check} reason={toApprove.length === 0 && (none || "Each of them is approved already, or has nothing to approve yet.")} onClick={approve}>Approve {few(toApprove)}<Hint of="Contact sheet.approve" /></Button>
            <Button icon={X} reason={toReject.length === 0 && (none || "Each of them is rejected already, or has nothing to reject yet.")} onClick={ask}>Reject {few(toReject)}<Hint of="Contact sheet.reject" /></Button>
          </span>
          <Button look="quiet" onClick={() => { onClear(); onLeave(); }}>Clear<Hint of="Contact sheet.clear" /></Button>
        </>
      )}
    </section>
  );
}

/** `12 selected`, or that nothing else is there. */
export const said = (count: number, total: number) => (count === total && total > 1 ? `All ${count} selected` : `${count} selected`);
