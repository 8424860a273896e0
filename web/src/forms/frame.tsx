import { useId, type ReactNode } from "react";
import { useSubmit } from "~/components/form";
import { ErrorPanel } from "~/components/state";
import { Button } from "~/ui/button";
import { Dialog } from "~/ui/dialog";

interface FrameProps {
  title: string;
  form: ReturnType<typeof useSubmit>;
  /** What the button says. */
  action: string;
  /** Why it cannot be sent now. */
  reason?: string | false;
  onClose: () => void;
  children: ReactNode;
}

/** A form in a drawer: its fields, what went wrong, and the button that sends it. */
export function FormFrame({ title, form, action, reason, onClose, children }: FrameProps) {
  const id = useId();
  return (
    <Dialog
      drawer
      title={title}
      onClose={onClose}
      actions={<><Button onClick={onClose}>Cancel</Button><Button type="submit" form={id} look="primary" busy={form.busy} reason={reason}>{action}</Button></>}
    >
      <form id={id} onSubmit={form.onSubmit} className="grid grid-cols-1 gap-3">
        {children}
        {form.error !== undefined && <ErrorPanel error={form.error} />}
      </form>
    </Dialog>
  );
}
