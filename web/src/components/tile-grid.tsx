import { useEffect, useImperativeHandle, useLayoutEffect, useRef, useState, type KeyboardEvent, type ReactNode, type Ref } from "react";
import { useWindowed } from "~/lib/windowed";

/** What can be done to a grid from outside. */
export interface TileGridHandle {
  /** Moves the focus as the key would; brings it in first if it is elsewhere. `isRange` is told to who listens. */
  press: (key: string, isRange?: boolean) => void;
  /** Moves the focus to the tile of this key, or to the one that had it last. */
  focus: (key?: string) => void;
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
  /** The focus has moved, with `isRange` if what lies between is meant. */
  onMove?: (item: T, isRange: boolean) => void;
  /** Whether a tile is selected, where tiles can be. Then keys with Shift are left to who selects. */
  isSelected?: (item: T) => boolean;
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
export function TileGrid<T>({ label, items, keyOf, children, foot = FOOT_PX, start, onMove, isSelected, ref }: TileGridProps<T>) {
  const list = useRef<HTMLElement>(null);
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
  const bring = () => {
    if (wanted.current < 0 || width === 0) return;
    const tile = list.current?.querySelector<HTMLElement>(`[data-index="${wanted.current}"] [data-tile]`);
    if (!tile) return rows.scrollToIndex(Math.floor(wanted.current / columns), { align: "center" });
    wanted.current = -1;
    tile.focus({ preventScroll: true });
    tile.scrollIntoView({ block: "nearest" });
  };
  useEffect(bring);

  const show = (to: number, item: T) => {
    wanted.current = to;
    // Nothing is rendered anew if it is the one that had the focus last.
    if (keyOf(item) === current) bring();
    setCurrent(keyOf(item));
  };
  const go = (to: number, isRange = false) => {
    const item = items[to];
    if (!item) return;
    show(to, item);
    onMove?.(item, isRange);
  };
  const move = (key: string, isRange = false): boolean => {
    const last = items.length - 1;
    const page = (by: number) => Math.min(Math.max(at + by * columns * PAGE, 0), last);
    const targets: Record<string, number> = {
      ArrowRight: at + 1, ArrowLeft: at - 1, ArrowDown: at + columns, ArrowUp: at - columns, Home: 0, End: last, PageDown: page(1), PageUp: page(-1),
    };
    if (!(key in targets)) return false;
    go(targets[key]!, isRange);
    return true;
  };
  useImperativeHandle(ref, () => ({
    press: (key, isRange) => (list.current?.contains(document.activeElement) ? void move(key, isRange) : go(at, isRange)),
    focus: (key) => {
      const to = key === undefined ? at : items.findIndex((it) => keyOf(it) === key);
      if (items[to]) show(to, items[to]);
    },
  }));
  /** Where the tile was that had the focus last, among which, and whether it has it now. */
  const held = useRef({ at, items, isFocused: false });
  useLayoutEffect(() => {
    const isThere = items[at] !== undefined && keyOf(items[at]) === current;
    const isLost = isSelected && held.current.isFocused && wanted.current < 0 && document.activeElement === document.body;
    if (isThere) Object.assign(held.current, { at, items });
    if (!isLost) return;
    // It has moved to another row, or is gone: then the first of those after it that are left has the focus.
    if (isThere) return show(at, items[at]!);
    const left = new Map(items.map((it, index) => [keyOf(it), index]));
    const next = held.current.items.slice(held.current.at).find((it) => left.has(keyOf(it)));
    go(next === undefined ? items.length - 1 : left.get(keyOf(next))!);
  });
  const onKeyDown = (event: KeyboardEvent) => {
    const isOnTile = (event.target as HTMLElement).closest("[data-tile]") !== null;
    if (!isOnTile || event.ctrlKey || event.metaKey || event.altKey || (isSelected && event.shiftKey) || !move(event.key)) return;
    event.preventDefault();
  };
  // A tile that is left by a click elsewhere, and those that come, keep to the one stop.
  useLayoutEffect(() => {
    for (const tile of list.current?.querySelectorAll<HTMLElement>("[data-tile]") ?? []) {
      tile.tabIndex = Number(tile.closest<HTMLElement>("[data-index]")?.dataset.index) === at ? 0 : -1;
    }
  });
  const shown = width === 0 ? [] : rows.getVirtualItems();
  const [List, Tile] = isSelected ? (["div", "div"] as const) : (["ul", "li"] as const);
  const tilesOf = (row: number) =>
    items.slice(row * columns, (row + 1) * columns).map((item, column) => (
      <Tile
        key={keyOf(item)}
        data-index={row * columns + column}
        {...(isSelected ? { role: "gridcell", "aria-selected": isSelected(item) } : { "aria-setsize": items.length, "aria-posinset": row * columns + column + 1 })}
        style={{ gridRow: row + 1, gridColumn: column + 1 }}
        className="min-w-0"
      >
        {children(item)}
      </Tile>
    ));
  return (
    <List
      ref={(it: HTMLElement | null) => void (list.current = it)}
      aria-label={label}
      {...(isSelected && { role: "grid", "aria-multiselectable": true, "aria-rowcount": count })}
      onKeyDown={onKeyDown}
      onFocus={(event) => {
        held.current.isFocused = true;
        const index = Number((event.target as HTMLElement).closest<HTMLElement>("[data-index]")?.dataset.index);
        const item = items[index];
        if (!item || keyOf(item) === current) return;
        setCurrent(keyOf(item));
        onMove?.(item, false);
      }}
      onBlur={() => void (held.current.isFocused = false)}
      className="grid"
      style={{ gap: GAP_PX, gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))`, gridAutoRows: height, height: Math.max(0, count * (height + GAP_PX) - GAP_PX) }}
    >
      {isSelected
        ? shown.map(({ index }) => <div key={index} role="row" aria-rowindex={index + 1} className="contents">{tilesOf(index)}</div>)
        : shown.flatMap(({ index }) => tilesOf(index))}
    </List>
  );
}
