import { useEffect, useRef } from "react";
import { Button } from "~/ui/button";

interface List { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => unknown }

/** Reads the next page when its end comes near. */
export function EndOfList({ list }: { list: List }) {
  const ref = useRef<HTMLDivElement>(null);
  const latest = useRef(list);
  useEffect(() => {
    latest.current = list;
  });
  useEffect(() => {
    const end = ref.current;
    if (!end) return;
    const observer = new IntersectionObserver(([entry]) => {
      const { hasNextPage, isFetchingNextPage, fetchNextPage } = latest.current;
      if (entry?.isIntersecting && hasNextPage && !isFetchingNextPage) fetchNextPage();
    }, { rootMargin: "800px" });
    observer.observe(end);
    return () => observer.disconnect();
  }, [list.hasNextPage, list.isFetchingNextPage]);
  if (!list.hasNextPage) return null;
  return (
    <div ref={ref} className="grid place-items-center py-4">
      <Button onClick={() => list.fetchNextPage()} busy={list.isFetchingNextPage}>Show more</Button>
    </div>
  );
}
