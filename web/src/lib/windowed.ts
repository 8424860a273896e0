import { defaultRangeExtractor, useVirtualizer, type Virtualizer } from "@tanstack/react-virtual";
import { useLayoutEffect, useRef, useState, type RefObject } from "react";

interface Rows {
  count: number;
  /** How high a row is, as far as that is known before it is there. */
  height: number;
  gap?: number;
  /** A row that stays, wherever the page is: the one with the focus. -1 for none. */
  keep?: number;
}

/** Which rows of a long list are worth being in the page: those on the screen, and some around. */
export function useWindowed(list: RefObject<HTMLElement | null>, { count, height, gap = 0, keep = -1 }: Rows): Virtualizer<HTMLElement, HTMLElement> {
  const [scrollMargin, setMargin] = useState(0);
  const kept = useRef(keep);
  kept.current = keep;
  const rows = useVirtualizer<HTMLElement, HTMLElement>({
    count, gap, scrollMargin, overscan: 4,
    estimateSize: () => height,
    getScrollElement: () => list.current?.closest("main, [data-body]") ?? null,
    // Before it is measured, a screen of it is there.
    initialRect: { width: 1440, height: 900 },
    rangeExtractor: (range) => {
      const near = defaultRangeExtractor(range);
      const it = kept.current;
      return it < 0 || it >= count || near.includes(it) ? near : [...near, it].sort((one, other) => one - other);
    },
  });
  useLayoutEffect(() => rows.measure(), [rows, height]);
  // What stands above the list may grow or go at any time.
  useLayoutEffect(() => {
    const frame = list.current?.closest<HTMLElement>("main, [data-body]");
    if (!frame || !list.current) return;
    const next = Math.round(list.current.getBoundingClientRect().top - frame.getBoundingClientRect().top + frame.scrollTop);
    if (next !== scrollMargin) setMargin(next);
  });
  return rows;
}
