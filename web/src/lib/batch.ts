/**
 * Gathers what is asked for one by one within a moment, and asks for it at once.
 *
 * If a whole batch fails, each of it is asked for alone, so that one missing thing does not hide the others.
 */
export function batched<V>(
  ask: (ids: string[]) => Promise<V[]>,
  limit: number,
): (id: string) => Promise<V> {
  interface Waiting { resolve: (value: V) => void; reject: (error: unknown) => void }
  let waiting = new Map<string, Waiting[]>();
  const answer = async (ids: string[], asked: Map<string, Waiting[]>) => {
    try {
      const values = await ask(ids);
      ids.forEach((id, index) => asked.get(id)?.forEach((it) => it.resolve(values[index]!)));
    } catch (error) {
      if (ids.length === 1) asked.get(ids[0]!)?.forEach((it) => it.reject(error));
      else await Promise.all(ids.map((id) => answer([id], asked)));
    }
  };
  const flush = () => {
    const asked = waiting;
    waiting = new Map();
    const ids = [...asked.keys()];
    for (let start = 0; start < ids.length; start += limit) void answer(ids.slice(start, start + limit), asked);
  };
  return (id) =>
    new Promise((resolve, reject) => {
      if (waiting.size === 0) setTimeout(flush, 5);
      const others = waiting.get(id);
      if (others) others.push({ resolve, reject });
      else waiting.set(id, [{ resolve, reject }]);
    });
}
