import { useEffect, useImperativeHandle, useLayoutEffect, useRef, useState, type KeyboardEvent, type ReactNode, type Ref } from "react";
import { useWindowed } from "~/lib/windowed";

/** What can be done to a grid from outside. */
export interface TileGridHandle {
  /** Moves the focus as the key would; brings it in first if it is elsewhere. */
  press: (key: string) => void;
}

interface TileGridProps<T> {
  label: string;
  items: T[];
  keyOf: (item: T) => string;
  /** A tile. Its element with `data-tile` takes the focus. */
  children: (item: T) => ReactNode;
  /** How high a tile is beside its picture of 4 : 5, in pixels. */
  foot?: number;
  /** The key of the tile that has the focus from the start. */
  start?: string;
  onMove?: (item: T) => void;
  ref?: Ref<TileGridHandle>;
}

const GAP_PX = 12;
const NARROWEST_PX = 152;
const FOOT_PX = 48;
/** How many rows PgUp and PgDn go. */
const PAGE = 4;

/**
 * Tiles in rows of one height, with one tab stop for all of them: arrows, Home, End, PgUp and PgDn move. Only those near
 * the screen are there, so that thousands scroll as well as ten.
 */
export function TileGrid<T>({ label, items, keyOf, children, foot = FOOT_PX, start, onMove, ref }: TileGridProps<T>) {
  const list = useRef<HTMLUListElement>(null);
  const [width, setWidth] = useState(0);
  const [current, setCurrent] = useState(start ?? "");
  /** The tile that gets the focus as soon as it is there. */
  const wanted = useRef(start ? items.findIndex((it) => keyOf(it) === start) : -1);
  const columns = Math.max(1, Math.floor((width + GAP_PX) / (NARROWEST_PX + GAP_PX)));
  const height = Math.round(((width - GAP_PX * (columns - 1)) / columns) * 1.25) + foot;
  const at = Math.max(0, items.findIndex((it) => keyOf(it) === current));
  const count = Math.ceil(items.length / columns);
  const rows = useWindowed(list, { count, height, gap: GAP_PX, keep: Math.floor(at / columns) });

  useLayoutEffect(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(entry!.contentRect.width));
    observer.observe(list.current!);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    if (wanted.current < 0 || width === 0) return;
    const tile = list.current?.querySelector<HTMLElement>(`[data-index="${wanted.current}"] [data-tile]`);
    if (!tile) return rows.scrollToIndex(Math.floor(wanted.current / columns), { align: "center" });
    wanted.current = -1;
    tile.focus({ preventScroll: true });
    tile.scrollIntoView({ block: "nearest" });
  });

  const go = (to: number) => {
    if (!items[to]) return;
    wanted.current = to;
    setCurrent(keyOf(items[to]));
    onMove?.(items[to]);
  };
  const move = (key: string): boolean => {
    const last = items.length - 1;
    const page = (by: number) => Math.min(Math.max(at + by * columns * PAGE, 0), last);
    const targets: Record<string, number> = {
      ArrowRight: at + 1, ArrowLeft: at - 1, ArrowDown: at + columns, ArrowUp: at - columns, Home: 0, End: last, PageDown: page(1), PageUp: page(-1),
    };
    if (!(key in targets)) return false;
    go(targets[key]!);
    return true;
  };
  useImperativeHandle(ref, () => ({ press: (key) => (list.current?.contains(document.activeElement) ? void move(key) : go(at)) }));
  const onKeyDown = (event: KeyboardEvent) => {
    const isOnTile = (event.target as HTMLElement).closest("[data-tile]") !== null;
    if (!isOnTile || event.ctrlKey || event.metaKey || event.altKey || !move(event.key)) return;
    event.preventDefault();
  };
  // A tile that is left by a click elsewhere, and those that come, keep to the one stop.
  useLayoutEffect(() => {
    for (const tile of list.current?.querySelectorAll<HTMLElement>("[data-tile]") ?? []) {
      tile.tabIndex = Number(tile.closest<HTMLElement>("[data-index]")?.dataset.index) === at ? 0 : -1;
    }
  });
  const shown = width === 0 ? [] : rows.getVirtualItems();
  return (
    <ul
      ref={list}
      aria-label={label}
      onKeyDown={onKeyDown}
      onFocus={(event) => {
        const index = Number((event.target as HTMLElement).closest<HTMLElement>("[data-index]")?.dataset.index);
        const item = items[index];
        if (!item || keyOf(item) === current) return;
        setCurrent(keyOf(item));
        onMove?.(item);
      }}
      className="grid"
      style={{ gap: GAP_PX, gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))`, gridAutoRows: height, height: Math.max(0, count * (height + GAP_PX) - GAP_PX) }}
    >
      {shown.flatMap((row) =>
        items.slice(row.index * columns, (row.index + 1) * columns).map((item, column) => (
          <li
            key={keyOf(item)}
            data-index={row.index * columns + column}
            aria-setsize={items.length}
            aria-posinset={row.index * columns + column + 1}
            style={{ gridRow: row.index + 1, gridColumn: column + 1 }}
            className="min-w-0"
          >
            {children(item)}
          </li>
        )),
      )}
    </ul>
  );
}
