import { useLayoutEffect, useRef, useState } from "react";
import { grouped } from "~/lib/grouped";
import { createStore, useStore } from "~/lib/store";
import { Dialog } from "~/ui/dialog";
import { Input } from "~/ui/field";

export interface Shortcut {
  /** `a`, `shift+p`, `mod+enter`, `arrowright`, `escape`, `?`, or one after another: `g p`. */
  keys: string;
  /** What it does, for the help. */
  label: string;
  run: (event: KeyboardEvent) => void;
  /** Called when the key is let go, for what lasts while it is held. */
  release?: () => void;
  /** Works while a dialog is open, too. */
  inDialog?: boolean;
}

interface Scope { name: string; shortcuts: Shortcut[] }

const scopes = createStore<readonly { current: Scope }[]>([]);
/** Keys without a modifier can be switched off: they get in the way of speech input. */
export const singleKeys = createStore(localStorage.getItem("sartiq.singleKeys") !== "off");
singleKeys.subscribe(() => localStorage.setItem("sartiq.singleKeys", singleKeys.get() ? "on" : "off"));

const SEQUENCE_MS = 1_200;
let pending = "";
let pendingTimer: ReturnType<typeof setTimeout> | undefined;
const held = new Map<string, () => void>();

/** The shortcuts of a view, while it is shown. Those of the view that came last win. */
export function useShortcuts(name: string, shortcuts: Shortcut[]): void {
  const scope = useRef<Scope>({ name, shortcuts });
  // Before it is painted: a key that answers to what is seen must find it, however fast the hand is.
  useLayoutEffect(() => {
    scope.current = { name, shortcuts };
  });
  useLayoutEffect(() => {
    const own = scope;
    scopes.set([...scopes.get(), own]);
    return () => scopes.set(scopes.get().filter((it) => it !== own));
  }, []);
}

function isWriting(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement) return true;
  return target instanceof HTMLInputElement && !["checkbox", "radio", "button", "range", "submit"].includes(target.type);
}

function named({ key, ctrlKey, metaKey, altKey, shiftKey }: KeyboardEvent): string {
  const name = key === " " ? "space" : key.toLowerCase();
  // Where shift makes another sign, such as `?`, it is part of that sign.
  const isShifted = shiftKey && (key.length > 1 || /^[a-z0-9]$/i.test(key));
  return [(ctrlKey || metaKey) && "mod", altKey && "alt", isShifted && "shift", name].filter(Boolean).join("+");
}

function find(keys: string, isDialog: boolean): Shortcut | undefined {
  for (const { current } of [...scopes.get()].reverse()) {
    const found = current.shortcuts.find((it) => it.keys === keys && (!isDialog || it.inDialog));
    if (found) return found;
  }
  return undefined;
}

function onKeyDown(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing || ["Shift", "Control", "Alt", "Meta"].includes(event.key)) return;
  const keys = named(event);
  const isPlain = !/^(mod|alt)\+/.test(keys) && keys.replace("shift+", "").length === 1;
  const isAllowed = isPlain ? singleKeys.get() && !isWriting(event.target) : keys.startsWith("mod+") || keys === "escape" || !isWriting(event.target);
  // Keys that a button or link answers to itself.
  const isOwn = (keys === "enter" || keys === "space") && event.target instanceof Element && event.target.closest("button,a,summary,[role=menuitem]");
  if (!isAllowed || isOwn) return;
  const isDialog = document.querySelector("dialog[open],[role=menu]") !== null;
  const sequence = pending && `${pending} ${keys}`;
  const found = (sequence && find(sequence, isDialog)) || find(keys, isDialog);
  clearTimeout(pendingTimer);
  pending = "";
  if (found) {
    event.preventDefault();
    if (event.repeat && found.release) return;
    found.run(event);
    if (found.release) held.set(event.code, found.release);
    return;
  }
  const isStart = scopes.get().some(({ current }) => current.shortcuts.some((it) => it.keys.startsWith(`${keys} `)));
  if (!isStart || isDialog) return;
  pending = keys;
  pendingTimer = setTimeout(() => (pending = ""), SEQUENCE_MS);
}

function letGo(code?: string): void {
  for (const [key, release] of [...held]) {
    if (code !== undefined && key !== code) continue;
    held.delete(key);
    release();
  }
}

window.addEventListener("keydown", onKeyDown);
window.addEventListener("keyup", (event) => letGo(event.code));
window.addEventListener("blur", () => letGo());

const SIGNS: Record<string, string> = {
  mod: /Mac|iPhone|iPad/.test(navigator.platform) ? "⌘" : "Ctrl", shift: "Shift", alt: "Alt", arrowright: "→", arrowleft: "←",
  arrowup: "↑", arrowdown: "↓", escape: "Esc", enter: "Enter", space: "Space", delete: "Delete",
};

/** Keys as they are printed on them. */
export function Keys({ keys }: { keys: string }) {
  return (
    <span className="inline-flex items-center gap-1">
      {keys.split(" ").map((chord, index) => (
        <span key={index} className="inline-flex gap-0.5">
          {chord.split("+").map((key) => (
            <kbd key={key} className="min-w-5 rounded-sm border border-b-2 bg-ground px-1 text-center font-sans text-xs">
              {SIGNS[key] ?? key.toUpperCase()}
            </kbd>
          ))}
        </span>
      ))}
    </span>
  );
}

/** What works here, and nothing else. */
export function ShortcutHelp({ onClose }: { onClose: () => void }) {
  const [search, setSearch] = useState("");
  // Parts of one view stand under its one name.
  const [shown] = useState(() => grouped([...scopes.get()].reverse().flatMap(({ current: { name, shortcuts } }) => shortcuts.map((it) => ({ ...it, name }))), (it) => it.name));
  const fits = (it: Shortcut) => it.label.toLowerCase().includes(search.toLowerCase());
  return (
    <Dialog title="Keyboard shortcuts" onClose={onClose}>
      <Input label="Search shortcuts" hideLabel placeholder="Search" value={search} onChange={(it) => setSearch(it.target.value)} autoFocus />
      {[...shown].map(([name, shortcuts]) => shortcuts.some(fits) && (
        <section key={name} className="mt-4">
          <h3 className="mb-1 text-xs font-medium text-soft">{name}</h3>
          <dl>
            {shortcuts.filter(fits).map((it) => (
              <div key={it.keys} className="flex items-center justify-between gap-4 py-1">
                <dt>{it.label}</dt>
                <dd><Keys keys={it.keys} /></dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </Dialog>
  );
}

export function useSingleKeys(): boolean {
  return useStore(singleKeys);
}
