import { Check, Columns2, MessageSquareWarning, Undo2, X } from "lucide-react";
import { RejectReason } from "~/api/gen/sartiq/shooting/v1/decision_pb";
import { useRights } from "~/api/identity";
import { cx } from "~/lib/cx";
import { Button } from "~/ui/button";
import { Hint, Note, Reasons, Waiting } from "./ask";

/** What the bar asks for: a decision, why it is rejected, what else is wrong, or what is to be changed. */
export type Asking = "decision" | "reason" | "other" | "revision";

interface BarProps {
  asking: Asking;
  onAsk: (asking: Asking) => void;
  onApprove: () => void;
  onReject: (reason: RejectReason, note?: string) => void;
  onRevise: (note: string) => void;
  onUndo: () => void;
  onCompare: () => void;
  /** Why nothing can be decided now. */
  reason: string | false;
  /** Why nothing can be undone. */
  undoReason: string | false;
  compareReason: string | false;
  isComparing: boolean;
  /** What was decided last, for who listens. */
  said: string;
  /** What was written of a note that was not sent. */
  drafts: Map<string, string>;
  draftKey: string;
}

export function DecisionBar(props: BarProps) {
  const { asking, onAsk, onApprove, onReject, onRevise, onUndo, onCompare, reason, undoReason, compareReason, isComparing, said, drafts, draftKey } = props;
  const { decide, make } = useRights();
  const back = () => onAsk("decision");
  return (
    <section aria-label="Decision" data-decision-bar className={cx("flex min-h-12 min-w-0 flex-wrap items-center gap-x-2 gap-y-1.5 px-3 py-2 max-xl:w-full max-xl:border-t max-xl:[&_button]:px-2", asking !== "decision" && "xl:w-full xl:border-t")}>
      {asking === "reason" && <Reasons view="Review" onReject={onReject} onOther={() => onAsk("other")} onBack={back} />}
      {asking === "other" && <Note key="other" label="What is wrong with it?" action="Reject" onSend={(it) => onReject(RejectReason.OTHER, it)} onBack={back} drafts={drafts} draftKey={`other.${draftKey}`} />}
      {asking === "revision" && <Note key="revision" label="What is to be changed?" action="Ask for the revision" onSend={onRevise} onBack={back} drafts={drafts} draftKey={`revision.${draftKey}`} />}
      {asking === "decision" && (
        <>
          {decide && <Button look="primary" icon={Check} reason={reason} onClick={onApprove}>Approve<Hint of="Review.approve" /></Button>}
          {decide && <Button icon={X} reason={reason} onClick={() => onAsk("reason")}>Reject<Hint of="Review.reject" /></Button>}
          {make && <Button icon={MessageSquareWarning} reason={reason} onClick={() => onAsk("revision")}>Revise<Hint of="Review.revise" /></Button>}
          {decide && <Button icon={Undo2} look="quiet" reason={undoReason} onClick={onUndo}><span className="max-sm:sr-only">Undo</span><Hint of="Review.undo" /></Button>}
          <Button icon={Columns2} look="quiet" aria-pressed={isComparing} reason={compareReason} onClick={onCompare}><span className="max-sm:sr-only">{isComparing ? "End comparing" : "Compare"}</span><Hint of="Review.compare" /></Button>
        </>
      )}
      <p role="status" className={cx("ml-auto min-w-0 max-w-56 truncate text-soft max-lg:sr-only", asking !== "decision" && "sr-only")}>
        <Waiting>{said}</Waiting>
      </p>
    </section>
  );
}
