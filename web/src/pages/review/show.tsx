import { useQuery } from "@tanstack/react-query";
import { CircleCheckBig, Grid3x3, PackageCheck, Sparkles } from "lucide-react";
import { useState } from "react";
import { useParams, useSearchParams } from "react-router";
import { useEvent } from "~/api/dispatch";
import { predictions } from "~/api/generation";
import { useRights } from "~/api/identity";
import { shootingQuery } from "~/api/shooting";
import { spoken, useKeymap } from "~/components/keymap";
import { Page } from "~/components/page";
import { ShootingTabs } from "~/components/shooting-frame";
import { useShortcuts } from "~/components/shortcuts";
import { Empty, ErrorPanel, NotFound, SkeletonGrid } from "~/components/state";
import { ShootingBadge, ShotBadge } from "~/components/states";
import { toast } from "~/components/toast";
import { count } from "~/lib/format";
import { paths } from "~/paths";
import { Button, LinkButton } from "~/ui/button";
import { Segmented } from "~/ui/tabs";
import { useHistory } from "./history";
import { useFrames, waits, type Frame } from "./reel";
import { FILTERS, Sheet, type Filter } from "./sheet";
import { Single, type Place } from "./single";

interface Arrival { shot: string; prediction: string; title: string }

export default function Review() {
  const { id = "" } = useParams();
  const [params, setParams] = useSearchParams();
  const { make } = useRights();
  const shooting = useQuery(shootingQuery(id));
  const { frames, plannedCount, error, refetch } = useFrames(id);
  const [arrivals, setArrivals] = useState<Arrival[]>([]);
  const [left, setLeft] = useState("");
  const keysOf = useKeymap();

  const go = (place: Place, replace = true) => {
    const next = new URLSearchParams(Object.entries(place).filter(([, it]) => it !== ""));
    const filter = params.get("state");
    if (filter) next.set("state", filter);
    setParams(next, { replace });
  };
  const toSheet = () => {
    setLeft(params.get("shot") ?? "");
    const filter = params.get("state");
    setParams(filter ? { state: filter } : {}, { replace: true });
  };
  const jump = (arrival = arrivals[0]) => {
    if (!arrival) return;
    setArrivals((before) => before.filter((it) => it !== arrival));
    go({ shot: arrival.shot, prediction: arrival.prediction });
  };
  useEvent("generationCompleted", ({ revision, shootingId, shotId, generationId }) => {
    if (!revision || shootingId !== id) return;
    // The newest generation comes first.
    void predictions.listPredictions({ shotId, pageSize: 20 }).then(({ predictions: found }) => {
      const title = frames?.find((it) => it.shot.id === shotId)?.title ?? "Shot";
      const arrival = { shot: shotId, prediction: found.find((it) => it.generationId === generationId)?.id ?? "", title };
      setArrivals((before) => [arrival, ...before]);
      toast(`Revision ready: ${title}.`, { action: { label: `Show (${spoken(keysOf("Decisions.revision"))})`, run: () => jump(arrival) } });
    }).catch(() => undefined);
  });
  useEvent("generationFailed", ({ revision, shootingId, errorMessage }) => {
    if (revision && shootingId === id) toast("A revision failed.", { hint: errorMessage, isBad: true });
  });
  useHistory(id, frames, (shot, prediction) => go({ shot, prediction }));
  useShortcuts("Decisions", { revision: () => jump() });

  const within = shooting.data?.name ?? "Review";
  const failure = shooting.error ?? error;
  if (failure) return <Page title="Review"><ErrorPanel error={failure} onRetry={() => void Promise.all([shooting.refetch(), refetch()])} /></Page>;
  if (!frames || !shooting.data) return <Page title={within}><SkeletonGrid what="the shots" /></Page>;

  const shotId = params.get("shot");
  const index = frames.findIndex((it) => it.shot.id === shotId);
  const arrived = arrivals.length > 0 && <Button small icon={Sparkles} onClick={() => jump()}>{count(arrivals.length, "revision")} ready ({spoken(keysOf("Decisions.revision"))})</Button>;
  if (shotId && index < 0) return <Page title={within} within="Review"><NotFound /></Page>;
  if (index >= 0) {
    const frame = frames[index]!;
    const finished = () => {
      toast("Everything here is decided.");
      toSheet();
    };
    return (
      <Page
        fill title={frame.title} within={within}
        aside={<><ShotBadge state={frame.shot.state} /><span className="whitespace-nowrap text-xs tabular-nums text-soft">{index + 1} of {frames.length}</span><Tally frames={frames} />{arrived}</>}
        actions={<Button small icon={Grid3x3} title={`Contact sheet (${spoken(keysOf("Review.sheet"))})`} onClick={toSheet}><span className="max-sm:sr-only">Contact sheet</span></Button>}
      >
        <Single frames={frames} index={index} place={placeOf(params, frame.shot.id)} go={go} onSheet={toSheet} onFinished={finished} />
      </Page>
    );
  }

  const filter = (params.get("state") ?? "all") as Filter;
  const of = (name: Filter) => (name === "all" ? frames.length : frames.filter((it) => it.shot.state === FILTERS[name]).length);
  const options: [Filter, string][] = [["all", `All ${of("all")}`], ["waiting", `To review ${of("waiting")}`], ["approved", `Approved ${of("approved")}`], ["rejected", `Rejected ${of("rejected")}`], ["revision", `Revision ${of("revision")}`]];
  const next = frames.find(waits);
  return (
    <Page
      title={within} within="Review" aside={<><ShootingBadge state={shooting.data.state} />{arrived}</>}
      actions={<>
        {make && of("approved") > 0 && <LinkButton to={paths.deliver(id)} icon={PackageCheck} look={next ? "plain" : "primary"}>Deliver {of("approved")} approved</LinkButton>}
        {next && <LinkButton to={paths.shootingReview(id, next.shot.id)} icon={CircleCheckBig} look="primary">Start reviewing</LinkButton>}
      </>}
      below={<><ShootingTabs id={id} />{frames.length > 0 && <div className="mt-3 overflow-x-auto whitespace-nowrap [scrollbar-width:none]"><Segmented label="Which shots" value={filter in FILTERS ? filter : "all"} options={options} onChange={(it) => setParams(it === "all" ? {} : { state: it }, { replace: true })} /></div>}</>}
    >
      {frames.length === 0
        ? <Empty icon={Sparkles} title="Nothing was made yet" action={make && <LinkButton to={paths.generate(id)} look="primary">Go to the generator</LinkButton>}>{count(plannedCount, "shot is", "shots are")} planned. Pictures show up here as soon as the first is made.</Empty>
        : <Sheet key={filter} shootingId={id} frames={frames} filter={filter in FILTERS ? filter : "all"} onClear={() => setParams({}, { replace: true })} hrefOf={(it) => paths.shootingReview(id, it)} onOpen={(shot) => go({ shot }, false)} focus={left} />}
    </Page>
  );
}

/** How far the review is. */
function Tally({ frames }: { frames: Frame[] }) {
  const waiting = frames.filter(waits).length;
  return <span className="whitespace-nowrap text-xs tabular-nums text-soft max-sm:hidden">{waiting === 0 ? "all decided" : `${waiting} left to decide`}</span>;
}

function placeOf(params: URLSearchParams, shot: string): Place {
  const of = (name: string) => params.get(name) ?? "";
  return { shot, prediction: of("prediction"), compare: of("compare"), mode: of("mode"), pin: of("pin") };
}
