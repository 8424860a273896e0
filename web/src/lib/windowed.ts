import { defaultRangeExtractor, useVirtualizer, type Virtualizer } from "@tanstack/react-virtual";
import { useLayoutEffect, useRef, useState, type RefObject } from "react";

interface Rows {
  count: number;
  /** How high a row is, as far as that is known before it is there. */
  height: number;
  gap?: number;
  /** What a row is known by, for rows that come and go. */
  keyOf?: (index: number) => string;
  /** A row that stays with its neighbours, wherever the page is. Without a value it is the one that had the focus last. */
  keep?: number;
}

/** What scrolls. */
const FRAME = "[data-frame], main, [data-body]";

/**
 * Which rows of a long list are worth being in the page: those on the screen, and some around. Rows carry their number as
 * `data-index`.
 */
export function useWindowed(list: RefObject<HTMLElement | null>, { count, height, gap = 0, keyOf, keep }: Rows): Virtualizer<HTMLElement, HTMLElement> {
  const [scrollMargin, setMargin] = useState(0);
  const [focused, setFocused] = useState<string | number>(-1);
  const nameOf = keyOf ?? ((index: number) => index);
  const find = () => {
    let index = typeof focused === "number" ? focused : 0;
    while (typeof focused === "string" && index < count && nameOf(index) !== focused) index += 1;
    return index;
  };
  const kept = useRef(-1);
  kept.current = keep ?? find();
  const rows = useVirtualizer<HTMLElement, HTMLElement>({
    count, gap, scrollMargin, overscan: 4,
    estimateSize: () => height,
    getScrollElement: () => list.current?.closest<HTMLElement>(FRAME) ?? null,
    ...(keyOf && { getItemKey: keyOf }),
    // Before it is measured, a screen of it is there.
    initialRect: { width: 1440, height: 900 },
    rangeExtractor: (range) => {
      const near = defaultRangeExtractor(range);
      const it = kept.current;
      if (it < 0 || it >= count) return near;
      // The next key that is pressed leads to a neighbour.
      const others = [it - 1, it, it + 1].filter((one) => one >= 0 && one < count && !near.includes(one));
      return others.length === 0 ? near : [...near, ...others].sort((one, other) => one - other);
    },
  });
  useLayoutEffect(() => rows.measure(), [rows, height]);
  // What stands above the list may grow or go at any time.
  useLayoutEffect(() => {
    const frame = list.current?.closest<HTMLElement>(FRAME);
    if (!frame || !list.current) return;
    const next = Math.round(list.current.getBoundingClientRect().top - frame.getBoundingClientRect().top + frame.scrollTop);
    if (next !== scrollMargin) setMargin(next);
  });
  useLayoutEffect(() => {
    const element = list.current;
    if (!element || keep !== undefined) return;
    const follow = ({ target }: FocusEvent) => {
      const row = (target as Element).closest<HTMLElement>("[data-index]");
      if (row) setFocused(nameOf(Number(row.dataset.index)));
    };
    element.addEventListener("focusin", follow);
    return () => element.removeEventListener("focusin", follow);
  });
  return rows;
}

/** Of a list whose rows follow each other: those that are there with the room that is free before each, and after all. */
export function spread(rows: Virtualizer<HTMLElement, HTMLElement>): { shown: { index: number; before: number }[]; after: number } {
  const { scrollMargin, gap, count } = rows.options;
  let end = scrollMargin - gap;
  const shown = rows.getVirtualItems().map((it) => {
    const before = it.start - end - gap;
    end = it.end;
    return { index: it.index, before };
  });
  return { shown, after: count === 0 ? 0 : rows.getTotalSize() + scrollMargin - end };
}

/** The same for a list that is there whole. */
export function whole(count: number): ReturnType<typeof spread> {
  return { shown: Array.from({ length: count }, (_, index) => ({ index, before: 0 })), after: 0 };
}
