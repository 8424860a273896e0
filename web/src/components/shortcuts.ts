import { useLayoutEffect, useRef } from "react";
import { createStore, useStore } from "~/lib/store";
import { commandOf, isStart, keysOf, type ActionOf, type Command, type View } from "./keymap";

/** What keys do. Answers false where they are not meant for it. */
type Run = (event: KeyboardEvent) => unknown;
/** What lasts while a key is held: `release` is called when it is let go. */
interface Hold { run: Run; release: () => void }

export type Shortcuts<V extends View> = Partial<Record<ActionOf<V>, Run | Hold>>;
interface Scope { view: View; shortcuts: [Command, Run | Hold][] }

const scopes = createStore<readonly { current: Scope }[]>([]);
/** Keys without a modifier can be switched off: they get in the way of speech input. */
export const singleKeys = createStore(localStorage.getItem("sartiq.singleKeys") !== "off");
singleKeys.subscribe(() => localStorage.setItem("sartiq.singleKeys", singleKeys.get() ? "on" : "off"));

/** How soon a key must follow the one before it. */
export const SEQUENCE_MS = 1_200;
let pending = "";
let pendingTimer: ReturnType<typeof setTimeout> | undefined;
const held = new Map<string, () => void>();

function scopeOf<V extends View>(view: V, shortcuts: Shortcuts<V>): Scope {
  const entries = Object.entries(shortcuts) as [ActionOf<V>, Run | Hold][];
  return { view, shortcuts: entries.map(([action, it]) => [commandOf(view, action), it]) };
}

/** The shortcuts of a view, while it is shown. Those of the view that came last win. */
export function useShortcuts<V extends View>(view: V, shortcuts: Shortcuts<V>): void {
  const scope = useRef<Scope>(undefined) as { current: Scope };
  scope.current ??= scopeOf(view, shortcuts);
  // Before it is painted: a key that answers to what is seen must find it, however fast the hand is.
  useLayoutEffect(() => {
    scope.current = scopeOf(view, shortcuts);
  });
  useLayoutEffect(() => {
    const own = scope;
    scopes.set([...scopes.get(), own]);
    return () => scopes.set(scopes.get().filter((it) => it !== own));
  }, []);
}

/** What works here, the views that came last first. */
export function present(): Scope[] {
  return scopes.get().map((it) => it.current).reverse();
}

function isWriting(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement) return true;
  return target instanceof HTMLInputElement && !["checkbox", "radio", "button", "range", "submit"].includes(target.type);
}

/** Keys that a control answers to itself. */
const OWN: [keys: RegExp, of: string][] = [
  [/^enter$/, "button,a,summary,[role=menuitem]"],
  [/^space$/, "button,summary,input,[role=menuitem]"],
  // What is written is selected, undone and redone for itself.
  [/^mod\+(a|z|shift\+z|y)$/, "textarea,input:not([type=checkbox],[type=radio],[type=range])"],
];

/** Keys that change others, and do nothing by themselves. */
const isModifier = (key: string) => ["Shift", "Control", "Alt", "Meta"].includes(key);

/** What was pressed, in the words of the keymap. Empty for a key that only changes others. */
export function named({ key, ctrlKey, metaKey, altKey, shiftKey }: Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">): string {
  if (isModifier(key)) return "";
  const name = key === " " ? "space" : key === "+" ? "plus" : key.toLowerCase();
  // Where shift makes another sign, such as `?`, it is part of that sign.
  const isShifted = shiftKey && (key.length > 1 || /^[a-z0-9]$/i.test(key));
  return [(ctrlKey || metaKey) && "mod", altKey && "alt", isShifted && "shift", name].filter(Boolean).join("+");
}

function find(keys: string): { run: Run; release?: () => void } | undefined {
  for (const { shortcuts } of present()) {
    const found = shortcuts.find(([command]) => keysOf(command) === keys)?.[1];
    if (found) return typeof found === "function" ? { run: found } : found;
  }
  return undefined;
}

function onKeyDown(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing || isModifier(event.key)) return;
  const keys = named(event);
  const isPlain = !/^(mod|alt)\+/.test(keys) && keys.replace("shift+", "").length === 1;
  const isAllowed = isPlain ? singleKeys.get() && !isWriting(event.target) : keys.startsWith("mod+") || keys === "escape" || !isWriting(event.target);
  const target = event.target instanceof Element ? event.target : undefined;
  const isOwn = OWN.some(([own, of]) => own.test(keys) && target?.closest(of));
  const isDialog = document.querySelector("dialog[open],[role=menu]") !== null;
  if (!isAllowed || isOwn || isDialog) return;
  const sequence = pending && `${pending} ${keys}`;
  const found = (sequence && find(sequence)) || find(keys);
  clearTimeout(pendingTimer);
  pending = "";
  if (found) {
    if (event.repeat && found.release) return event.preventDefault();
    if (found.run(event) === false) return;
    event.preventDefault();
    if (found.release) held.set(event.code, found.release);
    return;
  }
  if (!isStart(keys)) return;
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

export function useSingleKeys(): boolean {
  return useStore(singleKeys);
}
