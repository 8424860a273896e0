import { Aperture, Archive, ArchiveRestore, CircleCheckBig, Download, PencilLine, Plus, Sparkles } from "lucide-react";
import { useMemo, useState } from "react";
import { Link, useParams } from "react-router";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import type { Look } from "~/api/gen/sartiq/shooting/v1/look_pb";
import { Shooting_State, type Shooting } from "~/api/gen/sartiq/shooting/v1/shooting_pb";
import { Prediction_State, type Prediction } from "~/api/gen/sartiq/generation/v1/prediction_pb";
import type { Shot } from "~/api/gen/sartiq/shooting/v1/shot_pb";
import { generationList, predictionsOfShooting } from "~/api/generation";
import { useRights } from "~/api/identity";
import { useComposition, type Composition } from "~/components/composition";
import { frontOf } from "~/components/pickers";
import { Picture } from "~/components/picture";
import { ShootingFrame } from "~/components/shooting-frame";
import { StageBar, StageList } from "~/components/stages";
import { Empty, ErrorPanel, SkeletonGrid } from "~/components/state";
import { GenerationBadge, ShotBadge } from "~/components/states";
import { ShootingEdit } from "~/forms/shooting-edit";
import { ago, count, money } from "~/lib/format";
import { grouped } from "~/lib/grouped";
import { total } from "~/lib/money";
import { paths } from "~/paths";
import { Button, LinkButton } from "~/ui/button";
import { useArchive } from "./archive";

export default function ShootingPage() {
  const { id = "" } = useParams();
  const { make } = useRights();
  const { toggle, isPending } = useArchive();
  const [isEditing, setEditing] = useState(false);
  const { data: parts, error, refetch } = useComposition(id);
  return (
    <ShootingFrame
      page="Overview"
      actions={(shooting) => {
        const isArchived = shooting.state === Shooting_State.ARCHIVED;
        return (
          <>
            {make && <Button icon={PencilLine} onClick={() => setEditing(true)}>Edit</Button>}
            {make && (
              <Button icon={isArchived ? ArchiveRestore : Archive} busy={isPending} reason={(shooting.shots?.generating ?? 0) > 0 && "A generation of the shooting is running."} onClick={() => toggle(shooting)}>
                {isArchived ? "Bring back" : "Archive"}
              </Button>
            )}
            {!isArchived && <NextStep shooting={shooting} />}
          </>
        );
      }}
    >
      {(shooting) => (
        <div className="grid gap-5 lg:grid-cols-[minmax(0,1fr)_20rem]">
          <div className="grid grid-cols-1 content-start gap-5">
            <section aria-label="Progress" className="grid gap-2.5">
              <StageBar shots={shooting.shots} className="h-2" />
              <StageList shots={shooting.shots} />
            </section>
            {error && <ErrorPanel error={error} onRetry={refetch} />}
            {!parts && !error && <SkeletonGrid what="the looks" count={6} />}
            {parts && <Looks parts={parts} shootingId={id} canMake={make && shooting.state !== Shooting_State.ARCHIVED} />}
          </div>
          <About shooting={shooting} parts={parts} />
          {isEditing && <ShootingEdit shooting={shooting} onClose={() => setEditing(false)} />}
        </div>
      )}
    </ShootingFrame>
  );
}

/** What is to be done next, as the shots stand. */
function NextStep({ shooting: { id, lookCount, shots } }: { shooting: Shooting }) {
  const { make, decide } = useRights();
  if (make && lookCount === 0) return <LinkButton look="primary" icon={Plus} to={`${paths.looks(id)}?add`}>Add looks</LinkButton>;
  if (decide && (shots?.toReview ?? 0) > 0) return <LinkButton look="primary" icon={CircleCheckBig} to={paths.shootingReview(id)}>Review {count(shots!.toReview, "shot")}</LinkButton>;
  if (make && (shots?.planned ?? 0) > 0) return <LinkButton look="primary" icon={Sparkles} to={paths.generate(id)}>Generate</LinkButton>;
  if (make && (shots?.approved ?? 0) > 0) return <LinkButton look="primary" icon={Download} to={paths.deliver(id)}>Deliver</LinkButton>;
  return null;
}

function Looks({ parts, shootingId, canMake }: { parts: Composition; shootingId: string; canMake: boolean }) {
  const predictions = useQuery(predictionsOfShooting(shootingId)).data;
  const made = useMemo(() => grouped(predictions?.filter((it) => it.state === Prediction_State.READY) ?? [], (it) => it.shotId), [predictions]);
  const shots = useMemo(() => grouped(parts.shots, (it) => it.lookId), [parts.shots]);
  if (parts.looks.length === 0) {
    return (
      <Empty icon={Aperture} title="No looks yet" action={canMake && <LinkButton look="primary" icon={Plus} to={`${paths.looks(shootingId)}?add`}>Add looks</LinkButton>}>
        A look is a product on a subject in a style.
      </Empty>
    );
  }
  return (
    <section aria-label="Looks">
      <h2 className="mb-1.5 font-semibold">{count(parts.looks.length, "look")}</h2>
      <ul className="grid gap-3 [grid-template-columns:repeat(auto-fill,minmax(min(26rem,100%),1fr))]">
        {parts.looks.map((it) => (
          <li key={it.id} className="[contain-intrinsic-size:26rem_13rem] [content-visibility:auto]"><LookCard look={it} parts={parts} shots={shots.get(it.id) ?? []} made={made} /></li>
        ))}
      </ul>
    </section>
  );
}

/** A look by its pictures: the product as it is, then each shot by the picture that stands for it. */
function LookCard({ look, parts, shots, made }: { look: Look; parts: Composition; shots: Shot[]; made: Map<string, Prediction[]> }) {
  const names = [parts.subjects.get(look.subjectId)?.name, parts.styles.get(look.styleId)?.name].filter(Boolean).join(" · ");
  const front = frontOf(parts.products.get(look.productId));
  return (
    <div className="h-full overflow-hidden rounded-lg border bg-panel">
      <p className="flex items-baseline gap-2 px-2.5 pt-1.5">
        <Link to={paths.product(look.productId)} title={look.name} className="inline-flex min-h-6 min-w-0 items-center font-medium hover:underline"><span className="truncate">{look.name}</span></Link>
        <span className="min-w-0 truncate text-xs text-soft">{names}</span>
      </p>
      <ul className="flex gap-2 overflow-x-auto p-2.5 pt-1 [scrollbar-width:thin]">
        <li className="w-22 shrink-0">
          <Picture mediaId={front} alt={`Product photo of ${look.name}`} edge={256} className="aspect-[4/5] rounded-md" />
          <p className="mt-1 truncate text-xs text-soft">Product</p>
        </li>
        {shots.map((it) => {
          const all = made.get(it.id) ?? [];
          const cover = all.find((one) => one.id === it.selectedPredictionId) ?? all[0];
          const type = parts.shotTypes.get(it.shotTypeId)?.name ?? "Shot";
          return (
            <li key={it.id} className="w-22 shrink-0">
              <Link to={paths.shootingReview(look.shootingId, it.id)} title={type} className="group block">
                {cover
                  ? <Picture mediaId={cover.mediaId} alt="" edge={256} className="aspect-[4/5] rounded-md" />
                  : <span className="block aspect-[4/5] rounded-md border border-dashed" />}
                <span className="mt-1 block truncate text-xs group-hover:underline">{type}<span className="sr-only"> of {look.name}</span></span>
                <ShotBadge state={it.state} />
              </Link>
            </li>
          );
        })}
      </ul>
    </div>
  );
}

/** The brief, what it cost, and what was generated lately. */
function About({ shooting, parts }: { shooting: Shooting; parts: Composition | undefined }) {
  const list = useInfiniteQuery(generationList(shooting.id));
  const runs = list.data?.pages.flatMap((it) => it.generations) ?? [];
  return (
    <div className="grid content-start gap-5">
      <section aria-label="Brief">
        <h2 className="mb-1 font-semibold">Brief</h2>
        <p className="max-w-prose whitespace-pre-line text-soft">{shooting.brief || "None was written."}</p>
      </section>
      <section aria-label="Cost">
        <h2 className="mb-1 font-semibold">Cost</h2>
        <p><span className="text-lg font-semibold tabular-nums">{list.data ? money(total(runs.map((it) => it.cost))) : "…"}</span> <span className="text-soft">for {count(runs.length, "run")}{list.hasNextPage && ", the latest ones"}</span></p>
      </section>
      {runs.length > 0 && (
        <section aria-label="Latest runs">
          <h2 className="mb-1 font-semibold">Latest runs</h2>
          <ul className="divide-y rounded-lg border bg-panel">
            {runs.slice(0, 6).map((it) => (
              <li key={it.id}>
                <Link to={paths.shootingReview(it.shootingId, it.shotId)} className="flex min-h-9 items-center gap-2 px-2.5 py-1 hover:bg-hover">
                  <span className="min-w-0 flex-1 truncate">{it.configuration?.productName}, {parts?.shotTypes.get(it.configuration?.shotTypeId ?? "")?.name}</span>
                  <span className="text-xs tabular-nums text-soft">{it.readyCount} of {it.requestedCount}</span>
                  <GenerationBadge state={it.state} />
                </Link>
              </li>
            ))}
          </ul>
        </section>
      )}
      <p className="text-xs text-soft">Created {ago(shooting.createTime)}, changed {ago(shooting.updateTime)}</p>
    </div>
  );
}
