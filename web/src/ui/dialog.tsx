import { X } from "lucide-react";
import { useEffect, useId, useRef, type ReactNode } from "react";
import { cx } from "~/lib/cx";
import { IconButton } from "./button";

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ReactNode;
  /** The buttons at the end. */
  actions?: ReactNode;
  wide?: boolean;
  /** At the right edge, as high as the page: for what is worked on beside what it is about. */
  drawer?: boolean;
}

/** A modal dialog while it is rendered. The browser keeps the focus in it and gives it back. */
export function Dialog({ title, onClose, children, actions, wide, drawer }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = ref.current!;
    const before = document.activeElement;
    dialog.showModal();
    // What is to be written comes first, before the button that closes.
    dialog.querySelector<HTMLElement>("[data-body] :is(input:not([type=file], [readonly]), select, textarea)")?.focus();
    return () => {
      dialog.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={ref}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onMouseDown={(event) => event.target === ref.current && onClose()}
      className={cx(
        "flex flex-col overflow-hidden border-0 bg-panel text-ink shadow-pop backdrop:bg-black/45",
        drawer
          ? "ml-auto mr-0 my-0 h-dvh max-h-none w-[min(30rem,100vw)] max-w-none"
          : cx("m-auto max-h-[min(48rem,calc(100dvh-2rem))] rounded-lg", wide ? "w-[min(60rem,calc(100vw-1.5rem))]" : "w-[min(28rem,calc(100vw-1.5rem))]"),
      )}
    >
      <header className="flex items-center justify-between gap-2 border-b px-4 py-2">
        <h2 id={id} className="text-base font-semibold">{title}</h2>
        <IconButton label="Close" icon={X} onClick={onClose} className="-mr-2" />
      </header>
      <div data-body className="min-h-0 flex-1 overflow-y-auto p-4">{children}</div>
      {actions && <footer className="flex flex-wrap justify-end gap-2 border-t px-4 py-3">{actions}</footer>}
    </dialog>
  );
}
