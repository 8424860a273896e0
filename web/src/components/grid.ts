import type { Virtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef, type KeyboardEvent, type RefObject } from "react";

/** What takes the focus in a grid. Its `[data-act]` is what Enter presses. */
const CELL = "[data-cell]";
/** How many rows PgUp and PgDn go. */
const PAGE = 6;

/** What a row of the list is that may not be there, and carries its number. */
const ROW = "[data-index]";

type Direction = "ArrowUp" | "ArrowDown" | "ArrowLeft" | "ArrowRight";
const cellsOf = (grid: HTMLElement) => [...grid.querySelectorAll<HTMLElement>(CELL)];

function isWriting(target: EventTarget): boolean {
  return target instanceof HTMLSelectElement || target instanceof HTMLTextAreaElement || (target instanceof HTMLInputElement && target.type !== "checkbox");
}

const rowOf = (cell: Element) => cell.closest<HTMLElement>(ROW);

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

/** Where a cell is: in which row, -1 being one that is always there, and which one of it. Some are known by a name, too. */
interface Spot { row: number; column: number; name?: string | undefined }

function spotOf(grid: HTMLElement, cell: HTMLElement): Spot {
  const row = rowOf(cell);
  return { row: row ? Number(row.dataset.index) : -1, column: cellsOf(row ?? grid).indexOf(cell), name: cell.dataset.cell };
}

/** The cell at a spot, or the nearest in its row. Nothing if the row is not there. */
function cellAt(grid: HTMLElement, { row, column }: Spot): HTMLElement | undefined {
  const within = row < 0 ? grid : grid.querySelector<HTMLElement>(`[data-index="${row}"]`);
  const cells = within ? cellsOf(within) : [];
  return cells[Math.min(column, cells.length - 1)];
}

function show(cell: HTMLElement): void {
  cell.focus();
  cell.scrollIntoView({ block: "nearest", inline: "nearest" });
}

/**
 * One tab stop for all cells of a grid, and arrows between them. Cells are rendered with `tabIndex={-1}` and
 * `data-cell`, which may be a name for those that move, and so are the controls in them. Of a long grid, `rows` are those
 * that are not all there.
 */
export function useGrid(rows?: Virtualizer<HTMLElement, HTMLElement>): { ref: RefObject<HTMLDivElement | null>; onKeyDown: (event: KeyboardEvent<HTMLElement>) => void; onFocus: (event: { target: EventTarget }) => void } {
  const ref = useRef<HTMLDivElement>(null);
  const count = rows?.options.count ?? 0;
  /** Where the focus is, while it is in the grid. */
  const at = useRef<Spot>(undefined);
  /** Where it will be, as soon as that row is there. */
  const wanted = useRef<Spot>(undefined);
  useEffect(() => {
    const grid = ref.current;
    if (!grid) return;
    const keep = () => {
      const coming = wanted.current && cellAt(grid, wanted.current);
      if (coming) {
        wanted.current = undefined;
        show(coming);
      }
      const cells = cellsOf(grid);
      // The cell with the focus has moved, or is gone: then the one that stands there now has it.
      if (at.current && document.activeElement === document.body) {
        const { row, column, name } = at.current;
        const same = name && name !== "true" ? cells.find((it) => it.dataset.cell === name) : undefined;
        (same ?? cellAt(grid, at.current) ?? cellAt(grid, { row: row - 1, column }) ?? cells.at(-1))?.focus();
      }
      if (!cells.some((it) => it.tabIndex === 0) && cells[0]) cells[0].tabIndex = 0;
    };
    const leave = ({ target }: Event) => {
      if (target instanceof Node && !grid.contains(target)) at.current = undefined;
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
      wanted.current = undefined;
      at.current = spotOf(ref.current, cell);
      for (const it of cellsOf(ref.current)) it.tabIndex = it === cell ? 0 : -1;
    },
    onKeyDown: (event) => {
      const { key, target } = event;
      const cell = target instanceof Element ? target.closest<HTMLElement>(CELL) : null;
      if (!cell || !ref.current || isWriting(target)) return;
      const cells = cellsOf(ref.current);
      const go = (to: HTMLElement | undefined) => {
        event.preventDefault();
        if (to) show(to);
      };
      /** Goes to a row that may not be there yet. */
      const jump = (row: number, column: number) => {
        const to = cellAt(ref.current!, { row, column });
        if (to || !rows) return go(to);
        event.preventDefault();
        wanted.current = { row, column };
        rows.scrollToIndex(row, { align: "center" });
      };
      const isMod = event.ctrlKey || event.metaKey;
      switch (key) {
        case "ArrowUp": case "ArrowDown": case "ArrowLeft": case "ArrowRight":
          return event.altKey || isMod ? undefined : go(beside(cells, cell, key));
        case "Home": case "End": {
          if (isMod && key === "End" && count > 0) return jump(count - 1, Infinity);
          const row = isMod ? cells : cells.filter((it) => it.closest("[role=row],tr") === cell.closest("[role=row],tr"));
          return go(row.at(key === "Home" ? 0 : -1));
        }
        case "PageUp": case "PageDown": {
          const from = spotOf(ref.current, cell);
          const by = key === "PageUp" ? -PAGE : PAGE;
          if (count > 0 && from.row >= 0) return jump(Math.min(Math.max(from.row + by, 0), count - 1), from.column);
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
