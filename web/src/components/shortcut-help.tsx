import { PencilLine, RotateCcw } from "lucide-react";
import { useEffect, useRef, useState, type KeyboardEvent } from "react";
import { grouped } from "~/lib/grouped";
import { Button, IconButton } from "~/ui/button";
import { Dialog } from "~/ui/dialog";
import { Input } from "~/ui/field";
import { bind, firstKeysOf, isStart, labelOf, spoken, unbindAll, useIsBound, useKeymap, viewOf, type Command } from "./keymap";
import { Keys } from "./keys";
import { named, present } from "./shortcuts";

/** What works here, and nothing else; and the way to bind other keys. */
export function ShortcutHelp({ onClose }: { onClose: () => void }) {
  const [search, setSearch] = useState("");
  const [edited, setEdited] = useState<Command>();
  const [refusal, setRefusal] = useState<{ command: Command; text: string }>();
  const [commands] = useState(() => present().flatMap(({ shortcuts }) => shortcuts.map(([command]) => command)));
  const isAnyBound = useIsBound();
  const keysOf = useKeymap();
  // Parts of one view stand under its one name.
  const shown = grouped(commands.filter((it) => labelOf(it).toLowerCase().includes(search.toLowerCase())), viewOf);
  const list = useRef<HTMLDivElement>(null);
  const last = useRef<Command>(undefined);
  useEffect(() => {
    const isLost = document.activeElement === document.body || document.activeElement instanceof HTMLDialogElement;
    if (!edited && last.current && isLost) list.current?.querySelector<HTMLElement>(`[data-command="${last.current}"]`)?.focus();
    last.current = edited;
  }, [edited]);
  const change = (command: Command, keys: string | undefined) => {
    setEdited(undefined);
    const text = keys === undefined ? "" : bind(command, keys);
    setRefusal(text ? { command, text } : undefined);
  };
  return (
    <Dialog
      title="Keyboard shortcuts" onClose={onClose}
      actions={isAnyBound && <Button icon={RotateCcw} onClick={() => { unbindAll(); setRefusal(undefined); }}>Reset all keys</Button>}
    >
      <Input label="Search shortcuts" hideLabel placeholder="Search" value={search} onChange={(it) => setSearch(it.target.value)} />
      <div ref={list}>{[...shown].map(([view, all]) => (
        <section key={view} aria-label={view} className="mt-4">
          <h3 className="mb-1 text-xs font-medium text-soft">{view}</h3>
          <ul>
            {all.map((it) => (
              <li key={it} className="group">
                <div className="flex min-h-8 items-center gap-2">
                  <span className="min-w-0 flex-1">{labelOf(it)}</span>
                  {edited === it ? <Capture label={labelOf(it)} onDone={(keys) => change(it, keys)} /> : (
                    <>
                      <Keys keys={keysOf(it)} />
                      {keysOf(it) !== firstKeysOf(it) && <IconButton label={`Reset the keys of “${labelOf(it)}” to ${spoken(firstKeysOf(it))}`} icon={RotateCcw} onClick={() => change(it, firstKeysOf(it))} />}
                      <IconButton label={`Change the keys of “${labelOf(it)}”`} icon={PencilLine} data-command={it} onClick={() => { setEdited(it); setRefusal(undefined); }} className="opacity-0 group-hover:opacity-100 focus-visible:opacity-100 pointer-coarse:opacity-100" />
                    </>
                  )}
                </div>
                {refusal?.command === it && <p role="alert" className="text-xs text-bad">{refusal.text}</p>}
              </li>
            ))}
          </ul>
        </section>
      ))}</div>
      {shown.size === 0 && <p className="mt-4 text-soft">No shortcut is called so.</p>}
    </Dialog>
  );
}

/** Waits for the keys that are to be bound. Esc or a click elsewhere leaves them as they were. */
function Capture({ label, onDone }: { label: string; onDone: (keys: string | undefined) => void }) {
  const ref = useRef<HTMLButtonElement>(null);
  const [first, setFirst] = useState("");
  useEffect(() => ref.current?.focus(), []);
  const onKeyDown = (event: KeyboardEvent) => {
    const keys = named(event);
    if (event.key === "Tab") return;
    event.preventDefault();
    event.stopPropagation();
    if (keys === "escape") onDone(undefined);
    // One that begins others is not bound by itself: the next one belongs to it.
    else if (!first && isStart(keys)) setFirst(keys);
    else if (keys) onDone(first ? `${first} ${keys}` : keys);
  };
  return (
    <button ref={ref} type="button" aria-label={`New keys of “${label}”`} onKeyDown={onKeyDown} onBlur={() => onDone(undefined)} className="min-h-6 rounded-md border border-accent bg-tint px-2 text-xs text-accent">
      {first ? `${spoken(first)} then…` : "Press the new keys"}
    </button>
  );
}
