import { CloudOff } from "lucide-react";
import { useState, type ReactNode } from "react";
import { RejectReason } from "~/api/gen/sartiq/shooting/v1/decision_pb";
import { useOnline } from "~/components/connection";
import { commandOf, useKeymap, type ActionOf, type Command } from "~/components/keymap";
import { Keys } from "~/components/keys";
import { count } from "~/lib/format";
import { useStore } from "~/lib/store";
import { Badge } from "~/ui/badge";
import { Button } from "~/ui/button";
import { TextArea } from "~/ui/field";
import { waiting } from "./lines";
import { REASONS } from "./words";

/** The keys that do the same as the button that it stands in, where there is room. */
export function Hint({ of }: { of: Command }) {
  return <span aria-hidden className="max-lg:hidden [&_kbd]:border-current/25 [&_kbd]:bg-transparent"><Keys keys={useKeymap()(of)} /></span>;
}

/** How many decisions wait for the network; `children` while none does. */
export function Waiting({ children }: { children?: ReactNode }) {
  const unsent = useStore(waiting);
  if (useOnline() || unsent === 0) return children;
  return <Badge icon={CloudOff} tone="warn">{count(unsent, "decision waits", "decisions wait")} for the network</Badge>;
}

interface ReasonsProps { view: "Review" | "Contact sheet"; onReject: (reason: RejectReason) => void; onOther: () => void; onBack: () => void }

/** Why something is rejected, a button and a key each. */
export function Reasons({ view, onReject, onOther, onBack }: ReasonsProps) {
  return (
    <div role="group" aria-label="Why is it rejected?" className="flex flex-wrap items-center gap-1.5">
      {REASONS.map(([it, word], index) => (
        <Button key={it} onClick={() => (it === RejectReason.OTHER ? onOther() : onReject(it))}>
          <Hint of={commandOf(view, `choose${index + 1}` as ActionOf<typeof view>)} />{word}
        </Button>
      ))}
      <Button look="quiet" onClick={onBack}>Cancel</Button>
    </div>
  );
}

interface NoteProps { label: string; action: string; onSend: (note: string) => void; onBack: () => void; drafts: Map<string, string>; draftKey: string }

/** A note of a line or two. Enter sends it; Esc keeps it for later. */
export function Note({ label, action, onSend, onBack, drafts, draftKey }: NoteProps) {
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
