import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Ban, ListChecks, RotateCcw } from "lucide-react";
import { useEffect, useState } from "react";
import { Link, useSearchParams } from "react-router";
import { Generation_Kind, Generation_State, type Generation } from "~/api/gen/sartiq/generation/v1/generation_pb";
import { ENDED, FAILED, generationsIn, RUNNING } from "~/api/generation";
import { useRights } from "~/api/identity";
import { keys } from "~/api/keys";
import { useProgress } from "~/api/progress";
import { shootingNames } from "~/api/shooting";
import { useOnline } from "~/components/connection";
import { EndOfList } from "~/components/end-of-list";
import { Page } from "~/components/page";
import { Picture } from "~/components/picture";
import { useShortcuts } from "~/components/shortcuts";
import { Empty, ErrorPanel, NoMatch, SkeletonRows } from "~/components/state";
import { GenerationBadge } from "~/components/states";
import { errorToast, toast } from "~/components/toast";
import { ago, count, money } from "~/lib/format";
import { paths } from "~/paths";
import { Button, LinkButton } from "~/ui/button";
import { Select, Tick } from "~/ui/field";
import { Progress } from "~/ui/progress";
import { Table, type Column } from "~/ui/table";
import { Segmented } from "~/ui/tabs";
import { again, canRetry, cancel, isRunning, missing, outlook, percentOf, stateOf, took } from "./runs";
import { Tasks } from "./tasks";

type Filter = "all" | "running" | "failed" | "ended" | "tasks";
/** What is read page by page beside what runs, which is read whole. */
const OVER: Record<Filter, Generation_State[]> = { all: ENDED, running: [], failed: FAILED, ended: ENDED, tasks: [] };
const OPTIONS: [Filter, string][] = [["all", "All"], ["running", "Running"], ["failed", "Failed"], ["ended", "Ended"], ["tasks", "Tasks"]];

export default function Queue() {
  const [params, setParams] = useSearchParams();
  const filter = OPTIONS.find(([it]) => it === params.get("state"))?.[0] ?? "all";
  const shootingId = params.get("shooting") ?? "";
  const set = (name: string, value: string) => setParams((before) => { if (value) before.set(name, value); else before.delete(name); return before; }, { replace: true });
  const running = useInfiniteQuery(generationsIn(RUNNING, shootingId));
  const ended = useInfiniteQuery({ ...generationsIn(OVER[filter], shootingId), enabled: OVER[filter].length > 0 });
  const list = filter === "running" ? running : ended;
  const error = running.error ?? ended.error;
  // What runs is shown whole, however much it is.
  useEffect(() => {
    if (running.hasNextPage && !running.isFetching) void running.fetchNextPage();
  }, [running]);
  const names = useQuery(shootingNames()).data ?? new Map<string, string>();
  const { make } = useRights();
  const isOnline = useOnline();
  const cache = useQueryClient();
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());

  const going = running.data?.pages.flatMap((it) => it.generations) ?? [];
  const over = list === ended ? (ended.data?.pages.flatMap((it) => it.generations) ?? []) : [];
  // What runs comes first; else the newest. Both are read on their own: what has ended has ended.
  const hasEnded = new Set(over.map((it) => it.id));
  const shown = filter === "all" || filter === "running" ? [...going.filter((it) => !hasEnded.has(it.id)), ...over] : over;
  const picked = shown.filter((it) => chosen.has(it.id));
  const [stoppable, retryable] = [picked.filter(isRunning), picked.filter(canRetry)];
  const reread = () => void cache.invalidateQueries({ queryKey: keys.generations() });

  const stop = useMutation({
    mutationFn: async (runs: Generation[]) => {
      const results = await Promise.allSettled(runs.map((it) => cancel(it.id)));
      const failed = results.filter((it) => it.status === "rejected");
      if (failed[0]) errorToast(failed[0].reason);
      return runs.length - failed.length;
    },
    onSuccess: (done) => done > 0 && toast(`${count(done, "run")} stopped. What was made stays.`),
    onSettled: () => { setChosen(new Set()); reread(); },
  });
  const retry = useMutation({
    mutationFn: again,
    onSuccess: (made) => { toast(`${count(made.length, "run")} started.`); setChosen(new Set()); reread(); },
    onError: errorToast,
  });
  const offline = !isOnline && "You are offline.";
  useShortcuts("Queue", make ? { cancel: () => void (stoppable.length > 0 && stop.mutate(stoppable)) } : {});

  const toggle = (id: string) => setChosen((before) => { const next = new Set(before); if (!next.delete(id)) next.add(id); return next; });
  const nameOf = (it: Generation) => it.configuration?.productName || "Run";
  const columns: Column<Generation>[] = [
    ...(make ? [{ title: "", cell: (it: Generation) => <Tick aria-label={`Select ${nameOf(it)}`} checked={chosen.has(it.id)} onChange={() => toggle(it.id)} />, className: "w-8 max-sm:w-auto" }] : []),
    { title: "Run", cell: (it) => <Name run={it} shooting={names.get(it.shootingId) ?? ""} />, className: "sm:min-w-44" },
    { title: "State", clear: true, cell: (it) => <State run={it} /> },
    { title: "Progress", clear: true, cell: (it) => <Made run={it} />, className: "sm:min-w-36" },
    { title: "Cost", end: true, cell: (it) => <Cost run={it} />, className: "max-md:hidden" },
    { title: "Started", end: true, cell: (it) => <span className="whitespace-nowrap text-soft">{ago(it.createTime)}</span>, className: "max-xl:hidden" },
    {
      title: "Actions", end: true, clear: true,
      cell: (it) => make && (isRunning(it)
        ? <Button small icon={Ban} look="quiet" reason={offline} busy={stop.isPending && stop.variables.includes(it)} onClick={() => stop.mutate([it])}>Cancel<span className="sr-only"> {nameOf(it)}</span></Button>
        : canRetry(it) && <Button small icon={RotateCcw} look="quiet" reason={offline} busy={retry.isPending && retry.variables.includes(it)} onClick={() => retry.mutate([it])}>Retry {missing(it)}<span className="sr-only"> of {nameOf(it)}</span></Button>),
    },
  ];
  return (
    <Page
      title="Queue" aside={going.length > 0 && <span role="status" className="text-soft">{count(going.length, "run")} going on</span>}
      actions={picked.length > 0 && <>
        <span className="text-soft">{picked.length} selected</span>
        <Button icon={Ban} reason={offline || (stoppable.length === 0 && "None of them is running.")} busy={stop.isPending} onClick={() => stop.mutate(stoppable)}>Cancel {stoppable.length || ""}</Button>
        <Button icon={RotateCcw} reason={offline || (retryable.length === 0 && "None of them failed.")} busy={retry.isPending} onClick={() => retry.mutate(retryable)}>Retry {retryable.length || ""}</Button>
      </>}
      below={
        <div className="flex flex-wrap items-center gap-3">
          <div className="max-w-full overflow-x-auto whitespace-nowrap [scrollbar-width:none]"><Segmented label="Which runs" value={filter} options={OPTIONS} onChange={(it) => set("state", it === "all" ? "" : it)} /></div>
          {filter !== "tasks" && (
            <Select label="Shooting" hideLabel value={shootingId} onChange={(it) => set("shooting", it.target.value)} className="w-52 max-w-full">
              <option value="">All shootings</option>
              {[...names].map(([id, name]) => <option key={id} value={id}>{name}</option>)}
            </Select>
          )}
        </div>
      }
    >
      {filter === "tasks" ? <Tasks /> : (
        <>
          {error && <ErrorPanel error={error} onRetry={() => void Promise.all([running.refetch(), list.refetch()])} />}
          {list.isPending && !error && <SkeletonRows what="the runs" />}
          {list.data && shown.length === 0 && (filter !== "all" || shootingId
            ? <NoMatch filters="the filter" onClear={() => setParams({}, { replace: true })} />
            : <Empty icon={ListChecks} title="Nothing was started yet" action={make && <LinkButton to={paths.generator()} look="primary">Go to the generator</LinkButton>}>Each run of the generator shows up here, with how far it is and what it costs.</Empty>)}
          {filter === "failed" && list.data && <p className="mb-2 text-soft">Of these runs no picture was made. Those that failed in part stand under “Ended”.</p>}
          {shown.length > 0 && <Table label="Runs" columns={columns} rows={shown} rowKey={(it) => it.id} />}
          <EndOfList list={list} />
        </>
      )}
    </Page>
  );
}

function Name({ run, shooting }: { run: Generation; shooting: string }) {
  return (
    <Link to={paths.run(run.id)} className="group flex items-center gap-2.5">
      <Picture mediaId={run.configuration?.productMediaId ?? ""} alt="" edge={256} className="h-11 w-9 shrink-0 rounded-sm" />
      <span className="min-w-0">
        <span className="block truncate font-medium group-hover:underline">{run.configuration?.productName || "Run"}</span>
        <span className="block max-w-64 truncate text-xs text-soft" title={run.note}>{run.kind === Generation_Kind.REVISION ? `Revision: ${run.note}` : shooting}</span>
      </span>
    </Link>
  );
}

export function State({ run }: { run: Generation }) {
  return <GenerationBadge state={stateOf(run, useProgress(run.id))} />;
}

export function Made({ run }: { run: Generation }) {
  const told = useProgress(run.id);
  const { readyCount, failedCount, requestedCount, error } = run;
  const when = isRunning(run) ? outlook(run, told, Date.now()) : took(run) && `took ${took(run)}`;
  return (
    <span className="grid gap-1">
      {isRunning(run) && <Progress label={`${run.configuration?.productName || "Run"}: made so far`} value={percentOf(run, told)} />}
      <span className="whitespace-nowrap text-xs tabular-nums text-soft">
        {readyCount} of {requestedCount}{failedCount > 0 && <span className="text-bad">, {failedCount} failed</span>}{when && ` · ${when}`}
      </span>
      {error && <span className="max-w-72 text-xs text-bad">{error.message}</span>}
    </span>
  );
}

/** What it cost; while it runs, what it is expected to. */
export function Cost({ run: { cost, quotedCost } }: { run: Generation }) {
  return cost && cost.micros > 0n ? <>{money(cost)}</> : <span className="text-soft" title="Expected">≈ {money(quotedCost)}</span>;
}
