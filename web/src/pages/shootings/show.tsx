import { Aperture, Archive, ArchiveRestore, CircleCheckBig, Download, PencilLine, Plus, Sparkles } from "lucide-react";
import { useState } from "react";
import { Link, useParams } from "react-router";
import { useInfiniteQuery } from "@tanstack/react-query";
import type { Look } from "~/api/gen/sartiq/shooting/v1/look_pb";
import { Shooting_State, type Shooting } from "~/api/gen/sartiq/shooting/v1/shooting_pb";
import { generationList } from "~/api/generation";
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
      <ul className="grid grid-cols-[repeat(auto-fill,minmax(10rem,1fr))] gap-3">
        {parts.looks.map((it) => <li key={it.id} className="[contain-intrinsic-size:11rem_20rem] [content-visibility:auto]"><LookCard look={it} parts={parts} /></li>)}
      </ul>
    </section>
  );
}

function LookCard({ look, parts }: { look: Look; parts: Composition }) {
  const shots = parts.shots.filter((it) => it.lookId === look.id);
  const names = [parts.subjects.get(look.subjectId)?.name, parts.styles.get(look.styleId)?.name].filter(Boolean).join(" · ");
  return (
    <div className="overflow-hidden rounded-lg border bg-panel">
      <Picture mediaId={frontOf(parts.products.get(look.productId))} alt="" fit="contain" className="aspect-[5/4]" />
      <div className="px-2.5 py-1.5">
        <Link to={paths.product(look.productId)} className="block truncate font-medium hover:underline">{look.name}</Link>
        <p className="truncate text-xs text-soft">{names}</p>
        <ul className="mt-1 grid">
          {shots.map((it) => (
            <li key={it.id}>
              <Link to={paths.shootingReview(look.shootingId, it.id)} className="flex min-h-6 items-center justify-between gap-2 text-xs hover:underline">
                <span className="min-w-0 truncate">{parts.shotTypes.get(it.shotTypeId)?.name ?? "Shot"}<span className="sr-only"> of {look.name}</span></span>
                <ShotBadge state={it.state} />
              </Link>
            </li>
          ))}
        </ul>
      </div>
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
