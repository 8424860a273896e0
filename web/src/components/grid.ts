import { useEffect, useRef, type KeyboardEvent, type RefObject } from "react";

/** What takes the focus in a grid. Its `[data-act]` is what Enter presses. */
const CELL = "[data-cell]";
/** How many rows PgUp and PgDn go. */
const PAGE = 6;

type Direction = "ArrowUp" | "ArrowDown" | "ArrowLeft" | "ArrowRight";
const cellsOf = (grid: HTMLElement) => [...grid.querySelectorAll<HTMLElement>(CELL)];

function isWriting(target: EventTarget): boolean {
  return target instanceof HTMLSelectElement || target instanceof HTMLTextAreaElement || (target instanceof HTMLInputElement && target.type !== "checkbox");
}

/** The cell beside `from`, as it looks on the screen. */
function beside(cells: HTMLElement[], from: HTMLElement, direction: Direction): HTMLElement | undefined {
  const at = cells.indexOf(from);
  if (direction === "ArrowLeft") return cells[at - 1];
  if (direction === "ArrowRight") return cells[at + 1];
  const own = from.getBoundingClientRect();
  const sign = direction === "ArrowDown" ? 1 : -1;
  let best: { cell: HTMLElement; row: number; column: number } | undefined;
  for (const cell of cells) {
    const box = cell.getBoundingClientRect();
    const row = (box.top - own.top) * sign;
    const column = Math.abs(box.left + box.width / 2 - own.left - own.width / 2);
    if (row <= 4) continue;
    if (!best || row < best.row - 4 || (row < best.row + 4 && column < best.column)) best = { cell, row, column };
  }
  return best?.cell;
}

/**
 * One tab stop for all cells of a grid, and arrows between them. Cells are rendered with `tabIndex={-1}` and
 * `data-cell`, and so are the controls in them.
 */
export function useGrid(): { ref: RefObject<HTMLDivElement | null>; onKeyDown: (event: KeyboardEvent<HTMLElement>) => void; onFocus: (event: { target: EventTarget }) => void } {
  const ref = useRef<HTMLDivElement>(null);
  /** Where the focus is among the cells, while it is in the grid. */
  const at = useRef(-1);
  useEffect(() => {
    const grid = ref.current;
    if (!grid) return;
    const keep = () => {
      const cells = cellsOf(grid);
      // The cell with the focus is gone: the one that stands there now has it.
      if (at.current >= 0 && document.activeElement === document.body) cells[Math.min(at.current, cells.length - 1)]?.focus();
      if (!cells.some((it) => it.tabIndex === 0) && cells[0]) cells[0].tabIndex = 0;
    };
    const leave = ({ target }: Event) => {
      if (target instanceof Node && !grid.contains(target)) at.current = -1;
    };
    keep();
    const observer = new MutationObserver(keep);
    observer.observe(grid, { childList: true, subtree: true });
    document.addEventListener("focusin", leave);
    document.addEventListener("pointerdown", leave);
    return () => {
      observer.disconnect();
      document.removeEventListener("focusin", leave);
      document.removeEventListener("pointerdown", leave);
    };
  });
  return {
    ref,
    onFocus: ({ target }) => {
      const cell = target instanceof Element && target.closest<HTMLElement>(CELL);
      if (!cell || !ref.current) return;
      const cells = cellsOf(ref.current);
      at.current = cells.indexOf(cell);
      for (const it of cells) it.tabIndex = it === cell ? 0 : -1;
    },
    onKeyDown: (event) => {
      const { key, target } = event;
      const cell = target instanceof Element ? target.closest<HTMLElement>(CELL) : null;
      if (!cell || !ref.current || isWriting(target)) return;
      const cells = cellsOf(ref.current);
      const go = (to: HTMLElement | undefined) => {
        event.preventDefault();
        to?.focus();
        to?.scrollIntoView({ block: "nearest", inline: "nearest" });
      };
      const isMod = event.ctrlKey || event.metaKey;
      switch (key) {
        case "ArrowUp": case "ArrowDown": case "ArrowLeft": case "ArrowRight":
          return event.altKey || isMod ? undefined : go(beside(cells, cell, key));
        case "Home": case "End": {
          const row = isMod ? cells : cells.filter((it) => it.closest("[role=row],tr") === cell.closest("[role=row],tr"));
          return go(row.at(key === "Home" ? 0 : -1));
        }
        case "PageUp": case "PageDown": {
          let to: HTMLElement | undefined = cell;
          for (let step = 0; step < PAGE; step += 1) to = beside(cells, to, key === "PageUp" ? "ArrowUp" : "ArrowDown") ?? to;
          return go(to);
        }
        case "Enter": case " ":
          if (target !== cell || isMod) return;
          event.preventDefault();
          return cell.querySelector<HTMLElement>("[data-act]")?.click();
        case "Escape":
          return target === cell ? undefined : go(cell);
      }
    },
  };
}
