import { useEffect, useRef, type KeyboardEvent, type ReactNode } from "react";
import { cx } from "~/lib/cx";

/**
 * Tiles in rows, with one tab stop for all of them: arrows, Home, End, PgUp and PgDn move between those elements
 * that carry `data-tile`.
 */
export function TileGrid({ label, className, children }: { label: string; /** The columns, if not the usual ones. */ className?: string; children: ReactNode }) {
  const list = useRef<HTMLUListElement>(null);
  const current = useRef<HTMLElement>(undefined);
  const tiles = () => [...(list.current?.querySelectorAll<HTMLElement>("[data-tile]") ?? [])];
  const settle = () => {
    const all = tiles();
    if (!current.current || !all.includes(current.current)) current.current = all[0];
    for (const tile of all) tile.tabIndex = tile === current.current ? 0 : -1;
  };
  // Tiles come and go; whatever is there, one of them is the stop.
  useEffect(settle);
  const onKeyDown = (event: KeyboardEvent) => {
    const all = tiles();
    const at = all.indexOf(document.activeElement as HTMLElement);
    if (at < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const top = all[0]!.getBoundingClientRect().top;
    const columns = Math.max(1, all.findIndex((it) => it.getBoundingClientRect().top > top + 4));
    const width = columns === 1 && all.every((it) => it.getBoundingClientRect().top <= top + 4) ? all.length : columns;
    const steps: Record<string, number> = {
      ArrowRight: 1, ArrowLeft: -1, ArrowDown: width, ArrowUp: -width, Home: -at, End: all.length - 1 - at, PageDown: width * 4, PageUp: -width * 4,
    };
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = at + step;
    // Past the edge nothing happens, but a page goes as far as it can.
    const target = event.key.startsWith("Page") ? Math.min(Math.max(next, 0), all.length - 1) : next;
    all[target]?.focus();
  };
  return (
    <ul
      ref={list}
      aria-label={label}
      onKeyDown={onKeyDown}
      onFocus={(event) => {
        const tile = (event.target as HTMLElement).closest<HTMLElement>("[data-tile]");
        if (tile) current.current = tile;
        settle();
      }}
      className={cx("grid gap-3", className ?? "grid-cols-[repeat(auto-fill,minmax(9.5rem,1fr))]")}
    >
      {children}
    </ul>
  );
}
