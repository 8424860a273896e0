import { useRef, useState } from "react";

/** What is selected of what is shown, in its order. */
export interface Selection {
  ids: ReadonlySet<string>;
  toggle: (id: string) => void;
  /** Selects all from where one was to `id`, in the place of the range that was selected so before. */
  extend: (id: string) => void;
  /** One is at `id` now: the next range begins there. */
  move: (id: string) => void;
  set: (ids: string[]) => void;
}

/** A selection among what is shown. What is shown no more is selected no more. */
export function useSelection(shown: readonly string[]): Selection {
  const [kept, setIds] = useState<ReadonlySet<string>>(new Set());
  const there = kept.size > 0 ? new Set(shown) : kept;
  const ids = [...kept].every((it) => there.has(it)) ? kept : new Set([...kept].filter((it) => there.has(it)));
  if (ids !== kept) setIds(ids);
  /** Where a range begins, and what was selected before it did. */
  const start = useRef<{ id: string; before?: ReadonlySet<string> }>({ id: "" });
  return {
    ids,
    toggle: (id) => {
      const next = new Set(ids);
      if (!next.delete(id)) next.add(id);
      start.current = { id };
      setIds(next);
    },
    extend: (id) => {
      const from = shown.indexOf(start.current.id);
      const to = shown.indexOf(id);
      if (from < 0) start.current = { id };
      const before = (start.current.before ??= ids);
      const range = from < 0 ? [id] : shown.slice(Math.min(from, to), Math.max(from, to) + 1);
      setIds(new Set([...before, ...range]));
    },
    move: (id) => {
      start.current = { id };
    },
    set: (next) => {
      start.current = { id: start.current.id };
      setIds(new Set(next));
    },
  };
}
