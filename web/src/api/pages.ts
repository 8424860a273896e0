import { infiniteQueryOptions, type QueryKey } from "@tanstack/react-query";

interface Page { nextPageToken: string }
interface Ask { pageSize: number; pageToken: string }
type Read<P extends Page> = (ask: Ask, options: { signal: AbortSignal }) => Promise<P>;

/** A list that is read page by page as it is looked at. */
export function paged<P extends Page>(queryKey: QueryKey, read: Read<P>, pageSize = 60) {
  return infiniteQueryOptions({
    queryKey,
    queryFn: ({ pageParam, signal }) => read({ pageSize, pageToken: pageParam }, { signal }),
    initialPageParam: "",
    getNextPageParam: (page) => page.nextPageToken || undefined,
  });
}

/** Reads all pages of a list that is short by nature. */
export async function everything<P extends Page, T>(
  read: Read<P>, pick: (page: P) => T[], signal: AbortSignal, limit = 2_000,
): Promise<T[]> {
  const found: T[] = [];
  for (let pageToken = ""; ; ) {
    const page = await read({ pageSize: 200, pageToken }, { signal });
    found.push(...pick(page));
    pageToken = page.nextPageToken;
    if (!pageToken || found.length >= limit) return found;
  }
}
