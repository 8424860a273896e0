import { Check, CloudOff, Columns2, MessageSquareWarning, Undo2, X } from "lucide-react";
import { useState, type ReactNode } from "react";
import { RejectReason } from "~/api/gen/sartiq/shooting/v1/decision_pb";
import { useRights } from "~/api/identity";
import { useOnline } from "~/components/connection";
import { useKeymap, type Command } from "~/components/keymap";
import { Keys } from "~/components/keys";
import { cx } from "~/lib/cx";
import { count } from "~/lib/format";
import { useStore } from "~/lib/store";
import { Badge } from "~/ui/badge";
import { Button } from "~/ui/button";
import { TextArea } from "~/ui/field";
import { waiting } from "./decisions";
import { REASONS } from "./words";

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
  const isOnline = useOnline();
  const unsent = useStore(waiting);
  const keysOf = useKeymap();
  const hint = (command: Command) => <span aria-hidden className="max-lg:hidden [&_kbd]:border-current/25 [&_kbd]:bg-transparent"><Keys keys={keysOf(command)} /></span>;
  const back = () => onAsk("decision");
  return (
    <section aria-label="Decision" data-decision-bar className={cx("flex min-h-12 min-w-0 flex-wrap items-center gap-x-2 gap-y-1.5 px-3 py-2 max-xl:w-full max-xl:border-t max-xl:[&_button]:px-2", asking !== "decision" && "xl:w-full xl:border-t")}>
      {asking === "reason" && (
        <div role="group" aria-label="Why is it rejected?" className="flex flex-wrap items-center gap-1.5">
          {REASONS.map(([it, word], index) => (
            <Button key={it} onClick={() => (it === RejectReason.OTHER ? onAsk("other") : onReject(it))}>
              {hint(`Review.choose${index + 1}` as Command)}{word}
            </Button>
          ))}
          <Button look="quiet" onClick={back}>Cancel</Button>
        </div>
      )}
      {asking === "other" && <Note key="other" label="What is wrong with it?" action="Reject" onSend={(it) => onReject(RejectReason.OTHER, it)} onBack={back} drafts={drafts} draftKey={`other.${draftKey}`} />}
      {asking === "revision" && <Note key="revision" label="What is to be changed?" action="Ask for the revision" onSend={onRevise} onBack={back} drafts={drafts} draftKey={`revision.${draftKey}`} />}
      {asking === "decision" && (
        <>
          {decide && <Button look="primary" icon={Check} reason={reason} onClick={onApprove}>Approve{hint("Review.approve")}</Button>}
          {decide && <Button icon={X} reason={reason} onClick={() => onAsk("reason")}>Reject{hint("Review.reject")}</Button>}
          {make && <Button icon={MessageSquareWarning} reason={reason} onClick={() => onAsk("revision")}>Revise{hint("Review.revise")}</Button>}
          {decide && <Button icon={Undo2} look="quiet" reason={undoReason} onClick={onUndo}><span className="max-sm:sr-only">Undo</span>{hint("Review.undo")}</Button>}
          <Button icon={Columns2} look="quiet" aria-pressed={isComparing} reason={compareReason} onClick={onCompare}><span className="max-sm:sr-only">{isComparing ? "End comparing" : "Compare"}</span>{hint("Review.compare")}</Button>
        </>
      )}
      <p role="status" className={cx("ml-auto min-w-0 max-w-56 truncate text-soft max-lg:sr-only", asking !== "decision" && "sr-only")}>
        {!isOnline && unsent > 0 ? <Badge icon={CloudOff} tone="warn">{count(unsent, "decision waits", "decisions wait")} for the network</Badge> : said}
      </p>
    </section>
  );
}

interface NoteProps { label: string; action: string; onSend: (note: string) => void; onBack: () => void; drafts: Map<string, string>; draftKey: string }

/** A note of a line or two. Enter sends it; Esc keeps it for later. */
function Note({ label, action, onSend, onBack, drafts, draftKey }: NoteProps): ReactNode {
  const [text, setText] = useState(drafts.get(draftKey) ?? "");
  const write = (next: string) => {
    setText(next);
    drafts.set(draftKey, next);
  };
  const send = () => {
    if (!text.trim()) return;
    drafts.delete(draftKey);
    onSend(text.trim());
  };
  return (
    <form className="flex w-full flex-wrap items-center gap-2" onSubmit={(event) => { event.preventDefault(); send(); }}>
      <TextArea
        label={label} hideLabel placeholder={label} rows={1} maxLength={1000} autoFocus className="min-w-48 flex-1 [&_textarea]:field-sizing-content"
        value={text}
        onChange={(event) => write(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") { event.preventDefault(); onBack(); }
          if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) { event.preventDefault(); send(); }
        }}
      />
      <Button type="submit" look="primary" reason={!text.trim() && "Write what is meant first."}>{action}</Button>
      <Button look="quiet" onClick={onBack}>Cancel</Button>
    </form>
  );
}
