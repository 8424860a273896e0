import { useQuery } from "@tanstack/react-query";
import { Grid3x3, Sparkles } from "lucide-react";
import { useState } from "react";
import { useParams, useSearchParams } from "react-router";
import { useEvent } from "~/api/dispatch";
import { predictions } from "~/api/generation";
import { shootingQuery } from "~/api/shooting";
import { spoken, useKeymap } from "~/components/keymap";
import { Page } from "~/components/page";
import { useShortcuts } from "~/components/shortcuts";
import { ErrorPanel, NotFound, SkeletonGrid } from "~/components/state";
import { ShotBadge } from "~/components/states";
import { toast } from "~/components/toast";
import { count } from "~/lib/format";
import { Button } from "~/ui/button";
import { useHistory } from "./history";
import { useFrames, waits, type Frame } from "./reel";
import "./resend";
import { useSelection } from "./selection";
import { filterOf, fitting, Sheet } from "./sheet";
import { Single, type Place } from "./single";

interface Arrival { shot: string; prediction: string; title: string }

export default function Review() {
  const { id = "" } = useParams();
  const [params, setParams] = useSearchParams();
  const shooting = useQuery(shootingQuery(id));
  const { frames, plannedCount, error, refetch } = useFrames(id);
  const [arrivals, setArrivals] = useState<Arrival[]>([]);
  const [left, setLeft] = useState("");
  const filter = filterOf(params.get("state"));
  const selection = useSelection(fitting(frames ?? [], filter).map((it) => it.shot.id));
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
  const select = (shots: string[]) => {
    if (params.has("shot")) toSheet();
    selection.set(shots);
  };
  useHistory(id, frames, { one: (shot, prediction) => go({ shot, prediction }), many: select });
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

  return (
    <Sheet
      shooting={shooting.data} frames={frames} plannedCount={plannedCount} filter={filter} onFilter={(it) => setParams(it === "all" ? {} : { state: it }, { replace: true })}
      selection={selection} onOpen={(shot) => go({ shot }, false)} focus={left} aside={arrived}
    />
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
