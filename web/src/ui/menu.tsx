import { Check, type LucideIcon } from "lucide-react";
import {
  cloneElement, createContext, useContext, useEffect, useId, useLayoutEffect, useRef, useState, type CSSProperties, type KeyboardEvent,
  type ReactElement, type ReactNode,
} from "react";
import { createPortal } from "react-dom";
import { cx } from "~/lib/cx";

const ITEM =
  "flex min-h-7 w-full select-none items-center gap-2 rounded-sm px-2 py-1 text-left text-sm outline-none " +
  "hover:bg-hover focus:bg-hover aria-disabled:opacity-50";
const EDGE_PX = 8;

const Close = createContext<() => void>(() => undefined);

interface TriggerProps {
  ref?: (element: HTMLElement | null) => void;
  onClick?: () => void;
  "aria-haspopup"?: "menu";
  "aria-expanded"?: boolean;
  "aria-controls"?: string | undefined;
}

/** A menu that opens from `trigger`, which must be one button. */
export function Menu({ trigger, children, align = "end" }: { trigger: ReactElement<object>; children: ReactNode; align?: "start" | "end" }) {
  const [isOpen, setOpen] = useState(false);
  const button = useRef<HTMLElement>(null);
  const id = useId();
  const opener = trigger as ReactElement<TriggerProps>;
  return (
    <>
      {cloneElement(opener, {
        ref: (element) => void (button.current = element),
        onClick: () => setOpen((it) => !it),
        "aria-haspopup": "menu", "aria-expanded": isOpen, "aria-controls": isOpen ? id : undefined,
      })}
      {isOpen && button.current && (
        <Panel id={id} button={button.current} align={align} onClose={() => setOpen(false)}>{children}</Panel>
      )}
    </>
  );
}

function Panel({ id, button, align, onClose, children }: { id: string; button: HTMLElement; align: "start" | "end"; onClose: () => void; children: ReactNode }) {
  const panel = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState<CSSProperties>({ visibility: "hidden" });
  const items = () => [...(panel.current?.querySelectorAll<HTMLElement>("[role^=menuitem]:not([aria-disabled=true])") ?? [])];
  useLayoutEffect(() => {
    const { width, height } = panel.current!.getBoundingClientRect();
    const { left, right, top, bottom } = button.getBoundingClientRect();
    const x = align === "end" ? right - width : left;
    const y = bottom + 4 + height <= window.innerHeight - EDGE_PX ? bottom + 4 : Math.max(EDGE_PX, top - 4 - height);
    setPlace({ left: Math.min(Math.max(EDGE_PX, x), window.innerWidth - EDGE_PX - width), top: y });
  }, [align, button]);
  const isPlaced = place.visibility === undefined;
  useEffect(() => {
    if (isPlaced) items()[0]?.focus();
  }, [isPlaced]);
  const latest = useRef(onClose);
  useEffect(() => {
    latest.current = onClose;
  });
  useEffect(() => {
    const abort = new AbortController();
    const { signal } = abort;
    const leave = (event: Event) => {
      const target = event.target as Node;
      if (!panel.current?.contains(target) && !button.contains(target)) latest.current();
    };
    document.addEventListener("pointerdown", leave, { signal });
    document.addEventListener("scroll", leave, { signal, capture: true });
    window.addEventListener("resize", () => latest.current(), { signal });
    return () => abort.abort();
  }, [button]);
  const close = () => {
    onClose();
    button.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const all = items();
    const at = all.indexOf(document.activeElement as HTMLElement);
    const next: Record<string, number> = { ArrowDown: (at + 1) % all.length, ArrowUp: (at - 1 + all.length) % all.length, Home: 0, End: all.length - 1 };
    if (event.key === "Escape" || event.key === "Tab") close();
    else if (event.key in next) all[next[event.key]!]?.focus();
    else if (/^\S$/.test(event.key) && !event.ctrlKey && !event.metaKey) {
      [...all.slice(at + 1), ...all].find((it) => it.textContent?.toLowerCase().startsWith(event.key.toLowerCase()))?.focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return createPortal(
    <Close value={close}>
      <div ref={panel} id={id} role="menu" aria-label={button.getAttribute("aria-label") ?? button.textContent ?? "Menu"} style={place} onKeyDown={onKeyDown} className="fixed z-50 max-h-[80dvh] min-w-44 max-w-72 overflow-y-auto rounded-lg bg-raised p-1 text-ink shadow-pop">
        {children}
      </div>
    </Close>,
    // A modal dialog hides what is not in it, and everything belongs to a landmark.
    button.closest("dialog, header, nav, main") ?? document.body,
  );
}

interface MenuItemProps { icon?: LucideIcon; onSelect: () => void; disabled?: boolean; danger?: boolean; shortcut?: string; children: ReactNode }

export function MenuItem({ icon: Icon, onSelect, disabled, danger, shortcut, children }: MenuItemProps) {
  const close = useContext(Close);
  const select = () => {
    close();
    onSelect();
  };
  return (
    <button type="button" role="menuitem" tabIndex={-1} aria-disabled={disabled || undefined} onClick={disabled ? undefined : select} className={cx(ITEM, danger && "text-bad")}>
      {Icon && <Icon aria-hidden className="size-3.5 shrink-0 opacity-80" />}
      <span className="min-w-0 flex-1 truncate">{children}</span>
      {shortcut && <kbd className="text-xs text-soft">{shortcut}</kbd>}
    </button>
  );
}

export function MenuChoice<T extends string>({ value, options, onChange }: { value: T; options: [T, string][]; onChange: (value: T) => void }) {
  const close = useContext(Close);
  return options.map(([option, label]) => (
    <button key={option} type="button" role="menuitemradio" tabIndex={-1} aria-checked={option === value} onClick={() => { close(); onChange(option); }} className={ITEM}>
      <Check aria-hidden className={cx("size-3.5 shrink-0", option !== value && "invisible")} />
      {label}
    </button>
  ));
}

export const MenuLabel = ({ children }: { children: ReactNode }) => (
  <div role="presentation" className="truncate px-2 pb-1 pt-1.5 text-xs text-soft">{children}</div>
);
export const MenuLine = () => <div role="separator" className="my-1 h-px bg-line" />;
