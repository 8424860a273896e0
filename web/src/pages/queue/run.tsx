import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Ban, CircleCheckBig, RotateCcw } from "lucide-react";
import { Link, useNavigate, useParams } from "react-router";
import { workflowResultQuery } from "~/api/compute";
import { Generation_Kind, type Generation } from "~/api/gen/sartiq/generation/v1/generation_pb";
import { Prediction_State, type Prediction } from "~/api/gen/sartiq/generation/v1/prediction_pb";
import { generationQuery } from "~/api/generation";
import { useRights } from "~/api/identity";
import { keys } from "~/api/keys";
import { useProgress } from "~/api/progress";
import { shootingQuery } from "~/api/shooting";
import { useOnline } from "~/components/connection";
import { Page } from "~/components/page";
import { Picture } from "~/components/picture";
import { ErrorPanel, SkeletonGrid, SkeletonRows } from "~/components/state";
import { PredictionBadge } from "~/components/states";
import { errorToast, toast } from "~/components/toast";
import { ago } from "~/lib/format";
import { paths } from "~/paths";
import { Button, LinkButton } from "~/ui/button";
import { Progress } from "~/ui/progress";
import { Cost, Made, State } from "./list";
import { again, canRetry, cancel, isRunning, missing } from "./runs";
import { TaskTable } from "./tasks";

export default function Run() {
  const { id = "" } = useParams();
  const { data, error, refetch } = useQuery(generationQuery(id));
  if (error) return <Page title="Run" within="Queue"><ErrorPanel error={error} onRetry={refetch} /></Page>;
  if (!data?.generation) return <Page title="Run" within="Queue"><SkeletonGrid what="the run" count={4} /></Page>;
  return <Content run={data.generation} predictions={data.predictions} />;
}

function Content({ run, predictions }: { run: Generation; predictions: Prediction[] }) {
  const { make } = useRights();
  const isOnline = useOnline();
  const cache = useQueryClient();
  const navigate = useNavigate();
  const shooting = useQuery(shootingQuery(run.shootingId)).data;
  const stop = useMutation({
    mutationFn: () => cancel(run.id),
    onSuccess: () => {
      toast("Stopped. What was made stays.");
      void cache.invalidateQueries({ queryKey: keys.generation(run.id) });
      void cache.invalidateQueries({ queryKey: keys.generations() });
    },
    onError: errorToast,
  });
  const retry = useMutation({
    mutationFn: () => again([run]),
    onSuccess: ([made]) => {
      void cache.invalidateQueries({ queryKey: keys.generations() });
      if (made) void navigate(paths.run(made.id));
    },
    onError: errorToast,
  });
  const offline = !isOnline && "You are offline.";
  const { configuration } = run;
  const facts: [string, React.ReactNode][] = [
    ["Shooting", <Link key="shooting" to={paths.generate(run.shootingId)} className="hover:underline">{shooting?.name ?? "…"}</Link>],
    ["Started", ago(run.createTime)],
    ["Cost", <Cost key="cost" run={run} />],
    ["Size", configuration && configuration.widthPx > 0 ? `${configuration.widthPx} × ${configuration.heightPx}` : ""],
    ["Seed", configuration?.seed ? String(configuration.seed) : ""],
  ];
  return (
    <Page
      title={configuration?.productName || "Run"} within="Queue" aside={<State run={run} />}
      actions={<>
        {make && isRunning(run) && <Button icon={Ban} reason={offline} busy={stop.isPending} onClick={() => stop.mutate()}>Cancel</Button>}
        {make && canRetry(run) && <Button icon={RotateCcw} look="primary" reason={offline} busy={retry.isPending} onClick={() => retry.mutate()}>Retry {missing(run)}</Button>}
        {run.readyCount > 0 && <LinkButton to={paths.shootingReview(run.shootingId, run.shotId)} icon={CircleCheckBig}>Open in review</LinkButton>}
      </>}
    >
      <div className="mb-4 grid gap-2">
        <div className="max-w-md" role="status"><Made run={run} /></div>
        {run.kind === Generation_Kind.REVISION && <p className="rounded-md bg-tint px-2.5 py-1.5"><span className="font-medium">Revision:</span> {run.note}</p>}
        <dl className="flex flex-wrap gap-x-6 gap-y-1">
          {facts.filter(([, it]) => it !== "").map(([name, value]) => <div key={name} className="flex gap-1.5"><dt className="text-soft">{name}</dt><dd>{value}</dd></div>)}
        </dl>
      </div>
      <ul aria-label="Pictures" className="mb-5 grid grid-cols-[repeat(auto-fill,minmax(9.5rem,1fr))] gap-3">
        <li className="overflow-hidden rounded-lg border bg-panel">
          <Picture mediaId={configuration?.productMediaId ?? ""} alt={`Product photo of ${configuration?.productName ?? "the product"}`} fit="contain" className="aspect-[4/5]" />
          <p className="px-2.5 py-1.5 text-xs text-soft">Product photo</p>
        </li>
        {predictions.map((it) => <li key={it.id}><Tile prediction={it} /></li>)}
      </ul>
      <Steps run={run} />
      {configuration?.prompt && (
        <details className="mt-4">
          <summary className="min-h-6 font-medium">Prompt</summary>
          <p className="mt-1 max-w-prose whitespace-pre-wrap break-words text-soft">{configuration.prompt}</p>
        </details>
      )}
    </Page>
  );
}

function Tile({ prediction }: { prediction: Prediction }) {
  const nodes = useProgress(prediction.generationId);
  const told = nodes[`post_${prediction.index}`] ?? nodes[`image_${prediction.index}`];
  const isOpen = prediction.state < Prediction_State.READY;
  return (
    <div className="overflow-hidden rounded-lg border bg-panel">
      {prediction.mediaId
        ? <Picture mediaId={prediction.mediaId} alt={`Picture ${prediction.index + 1}`} className="aspect-[4/5]" />
        : <div className="grid aspect-[4/5] content-end gap-1.5 bg-sunken p-3">
            {isOpen && <Progress label={`Picture ${prediction.index + 1}: made so far`} value={told?.percent} />}
            <p className="text-xs text-soft">{prediction.error?.message ?? (told?.queuePosition !== undefined ? `${told.queuePosition} before it` : told?.retrying || told?.message || "")}</p>
          </div>}
      <p className="flex items-center justify-between gap-2 px-2.5 py-1.5 text-xs"><span>Picture {prediction.index + 1}</span><PredictionBadge state={prediction.state} /></p>
    </div>
  );
}

/** What the run is made of, step by step. */
function Steps({ run }: { run: Generation }) {
  const { data, error, refetch, isPending } = useQuery({ ...workflowResultQuery(run.workflowId), enabled: run.workflowId !== "" });
  if (!run.workflowId) return null;
  return (
    <section aria-label="Steps">
      <h2 className="mb-1.5 font-semibold">Steps</h2>
      {error && <ErrorPanel error={error} onRetry={refetch} />}
      {isPending && !error && <SkeletonRows what="the steps" count={4} />}
      {data && data.tasks.length > 0 && <TaskTable tasks={data.tasks} />}
      {data?.tasks.length === 0 && <p className="text-soft">Nothing is known about its steps.</p>}
    </section>
  );
}
