import { CircleStop, Images } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useSearchParams } from "react-router";
import { useQueryClient } from "@tanstack/react-query";
import { Generation_State, type Generation } from "~/api/gen/sartiq/generation/v1/generation_pb";
import type { Shot } from "~/api/gen/sartiq/shooting/v1/shot_pb";
import { generations } from "~/api/generation";
import { keys } from "~/api/keys";
import type { Composition } from "~/components/composition";
import { useGrid } from "~/components/grid";
import { frontOf } from "~/components/pickers";
import { Empty, ErrorPanel, NoMatch, SkeletonGrid } from "~/components/state";
import { errorToast } from "~/components/toast";
import { count, money } from "~/lib/format";
import { total } from "~/lib/money";
import { uuid } from "~/lib/uuid";
import { spread, useWindowed, whole } from "~/lib/windowed";
import { Button } from "~/ui/button";
import { Dialog } from "~/ui/dialog";
import { Progress } from "~/ui/progress";
import { Segmented } from "~/ui/tabs";
import { batchesOf, isRunning, type useRuns } from "./runs";
import { Strip } from "./strip";

type Show = "all" | "running" | "ready" | "failed";
const SHOW: [Show, string][] = [["all", "All"], ["running", "Being made"], ["ready", "Ready"], ["failed", "Failed"]];
const FITS: Record<Show, (it: Generation | undefined) => boolean> = {
  all: () => true, running: isRunning, ready: (it) => (it?.readyCount ?? 0) > 0,
  failed: (it) => it?.state === Generation_State.FAILED || (it?.failedCount ?? 0) > 0,
};
/** Fewer blocks are there whole. */
const WINDOWED_FROM = 12;
const BLOCK_PX = 260;
const GAP_PX = 16;
/** How often whoever listens is told how far it is. */
const TELL_MS = 10_000;

interface Props { parts: Composition; runs: ReturnType<typeof useRuns>; /** What is being started right now. */ starting: [shotId: string, count: number][]; canStop: boolean }

/** The latest run of every shot that has one: batch by batch, in each in the order of the looks. */
export function Tiles({ parts, runs, starting, canStop }: Props) {
  const [params, setParams] = useSearchParams();
  const show = SHOW.find(([it]) => it === params.get("show"))?.[0] ?? "all";
  const setShow = (it: Show) => setParams((before) => { if (it === "all") before.delete("show"); else before.set("show", it); return before; }, { replace: true });
  const expected = new Map(starting);
  const batches = batchesOf(runs.all);
  const order = new Map(parts.looks.map((it, at) => [it.id, at]));
  const rank = (shot: Shot) => (expected.has(shot.id) ? Infinity : (batches.get(runs.latest.get(shot.id)?.id ?? "") ?? 0));
  const made = parts.shots.filter((it) => expected.has(it.id) || runs.latest.has(it.id) || it.generationId);
  const shown = made.filter((it) => FITS[show](runs.latest.get(it.id)));
  shown.sort((one, other) => {
    const [first, second] = [rank(one), rank(other)];
    return (first === second ? 0 : second - first) || order.get(one.lookId)! - order.get(other.lookId)!;
  });
  /** Shots of one look that stand together are one block. */
  const blocks: Shot[][] = [];
  for (const shot of shown) {
    const last = blocks.at(-1)?.[0];
    if (last && last.lookId === shot.lookId && rank(last) === rank(shot)) blocks.at(-1)!.push(shot);
    else blocks.push([shot]);
  }
  const list = useRef<HTMLDivElement>(null);
  const isLong = blocks.length >= WINDOWED_FROM;
  const keyOf = (index: number) => blocks[index]?.[0]?.id ?? "";
  const rows = useWindowed(list, { count: isLong ? blocks.length : 0, height: BLOCK_PX, gap: GAP_PX, keyOf });
  const near = isLong ? spread(rows) : whole(blocks.length);
  const grid = useGrid(rows);
  /** How many shots stand before each block. */
  const starts = blocks.reduce<number[]>((sums, block, at) => [...sums, sums[at]! + block.length], [0]);
  if (runs.list.error && runs.all.length === 0) return <ErrorPanel error={runs.list.error} onRetry={runs.list.refetch} />;
  if (runs.list.isPending) return <SkeletonGrid what="the pictures" count={8} />;
  if (made.length === 0) return <Empty icon={Images} title="No pictures yet">Each picture shows up here as soon as it is started, and fills while it is made.</Empty>;
  return (
    <section aria-label="Pictures" className="grid gap-3">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <Summary runs={[...runs.latest.values()]} canStop={canStop} />
        <div className="ml-auto"><Segmented label="Show" value={show} options={SHOW} onChange={setShow} /></div>
      </div>
      {shown.length === 0 && <NoMatch filters={`“${SHOW.find(([it]) => it === show)![1]}”`} onClear={() => setShow("all")} />}
      <div ref={grid.ref} role="grid" aria-label="Pictures by shot" aria-rowcount={shown.length} onKeyDown={grid.onKeyDown} onFocus={grid.onFocus}>
        <div ref={list} role="presentation" className="grid" style={{ gap: GAP_PX, paddingBottom: near.after }}>
          {near.shown.map(({ index, before }) => {
            const shots = blocks[index]!;
            const look = parts.looks.find((it) => it.id === shots[0]!.lookId);
            return (
              <div
                key={keyOf(index)} ref={isLong ? rows.measureElement : undefined} data-index={index} style={{ marginTop: before }}
                role="rowgroup" aria-label={look?.name ?? "Look"}
              >
                <div role="presentation" className="mb-1 flex items-baseline gap-2"><span className="font-semibold">{look?.name}</span></div>
                <div role="presentation" className="flex flex-wrap gap-x-5 gap-y-3">
                  {shots.map((shot, at) => (
                    <Strip
                      key={shot.id}
                      row={starts[index]! + at + 1}
                      generationId={expected.has(shot.id) ? "" : (runs.latest.get(shot.id)?.id ?? shot.generationId)}
                      known={expected.has(shot.id) ? undefined : runs.latest.get(shot.id)}
                      expected={expected.get(shot.id) ?? 1}
                      product={look?.name ?? "Look"}
                      shotType={parts.shotTypes.get(shot.shotTypeId)?.name ?? "Shot"}
                      photo={frontOf(parts.products.get(look?.productId ?? ""))}
                      canStop={canStop}
                    />
                  ))}
                </div>
              </div>
            );
          })}
        </div>
      </div>
    </section>
  );
}

/** How many are there, what they cost, and the way to stop all that run. */
function Summary({ runs, canStop }: { runs: Generation[]; canStop: boolean }) {
  const [isAsking, setAsking] = useState(false);
  const running = runs.filter(isRunning);
  const sum = (all: Generation[], pick: (it: Generation) => number) => all.reduce((before, it) => before + pick(it), 0);
  const ready = sum(runs, (it) => it.readyCount);
  const failed = sum(runs, (it) => it.failedCount);
  const open = sum(running, (it) => it.requestedCount - it.readyCount - it.failedCount);
  const wanted = sum(running, (it) => it.requestedCount);
  // What is ready counts whole; what is being made as far as the server says.
  const done = sum(running, (it) => Math.max(it.progressPercent * it.requestedCount, 100 * (it.readyCount + it.failedCount)));
  const text = `${count(ready, "picture")} ready${open > 0 ? `, ${open} being made` : ""}${failed > 0 ? `, ${failed} failed` : ""}`;
  const said = useNowAndThen(text);
  return (
    <>
      <p className="tabular-nums">
        <span className="font-medium">{text}</span> <span className="text-soft">· {money(total(runs.map((it) => it.cost)))} spent{running.length > 0 && `, ${money(total(running.map((it) => it.quotedCost)))} expected for what runs`}</span>
      </p>
      <span role="status" className="sr-only">{said}</span>
      {running.length > 0 && <Progress label="All pictures being made" value={done / Math.max(1, wanted)} className="w-28" />}
      {running.length > 0 && canStop && <Button small icon={CircleStop} onClick={() => setAsking(true)}>Stop all</Button>}
      {isAsking && <StopAll runs={running} open={open} onClose={() => setAsking(false)} />}
    </>
  );
}

/** Stopping cannot be undone: it asks, and says how many. */
function StopAll({ runs, open, onClose }: { runs: Generation[]; open: number; onClose: () => void }) {
  const cache = useQueryClient();
  const [isBusy, setBusy] = useState(false);
  const stop = async () => {
    setBusy(true);
    const results = await Promise.allSettled(runs.map(({ id }) => generations.cancelGeneration({ requestId: uuid(), id })));
    const failure = results.find((it) => it.status === "rejected");
    if (failure) errorToast(failure.reason);
    void cache.invalidateQueries({ queryKey: keys.generations() });
    for (const { id } of runs) void cache.invalidateQueries({ queryKey: keys.generation(id) });
    onClose();
  };
  return (
    <Dialog
      title={`Stop ${count(open, "picture")}?`}
      onClose={onClose}
      actions={<><Button onClick={onClose}>Go on</Button><Button look="danger" icon={CircleStop} busy={isBusy} onClick={() => void stop()}>Stop {count(open, "picture")}</Button></>}
    >
      <p>What is ready stays. What is not is stopped at the provider, and what the provider did so far may be charged.</p>
    </Dialog>
  );
}

/** `text`, but not faster than anybody wants to hear it. */
function useNowAndThen(text: string): string {
  const [said, setSaid] = useState("");
  const latest = useRef(text);
  useEffect(() => {
    latest.current = text;
  });
  useEffect(() => {
    const timer = setInterval(() => setSaid(latest.current), TELL_MS);
    return () => clearInterval(timer);
  }, []);
  return said;
}
