import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Aperture, CircleCheckBig, Plus, Shirt, UserRound, type LucideIcon } from "lucide-react";
import { Link } from "react-router";
import { productList, subjectList } from "~/api/catalog";
import { Generation_State } from "~/api/gen/sartiq/generation/v1/generation_pb";
import { Shooting_State, type Shooting } from "~/api/gen/sartiq/shooting/v1/shooting_pb";
import { generationList } from "~/api/generation";
import { useRights } from "~/api/identity";
import { shootingList } from "~/api/shooting";
import { Page } from "~/components/page";
import { ErrorPanel, SkeletonRows } from "~/components/state";
import { count } from "~/lib/format";
import { paths } from "~/paths";
import { LinkButton } from "~/ui/button";
import { FailureRow, RunningRow } from "./runs";
import { Section, ShootingRow } from "./section";

const RUNNING = [Generation_State.PENDING, Generation_State.PROCESSING];

export default function Home() {
  const { make, decide } = useRights();
  const shootings = useInfiniteQuery(shootingList());
  const generations = useInfiniteQuery(generationList());
  if (shootings.error) return <Page title="Home"><ErrorPanel error={shootings.error} onRetry={shootings.refetch} /></Page>;
  if (!shootings.data) return <Page title="Home"><SkeletonRows what="what waits for you" /></Page>;

  const all = shootings.data.pages.flatMap((it) => it.shootings);
  const toReview = all.filter((it) => (it.shots?.toReview ?? 0) > 0);
  const approved = all.filter((it) => it.state === Shooting_State.APPROVED);
  const others = all.filter((it) => !toReview.includes(it) && !approved.includes(it));
  const runs = generations.data?.pages[0]?.generations ?? [];
  const running = runs.filter((it) => RUNNING.includes(it.state));
  const failed = runs.filter((it) => it.state === Generation_State.FAILED).slice(0, 5);
  // What was generated lately shows what a shooting is about, without asking for more.
  const photosOf = (id: string) => [...new Set(runs.filter((it) => it.shootingId === id).map((it) => it.configuration?.productMediaId ?? ""))].filter(Boolean).slice(0, 4);
  const row = (it: Shooting) => ({ shooting: it, photos: photosOf(it.id) });
  const nameOf = (id: string) => all.find((it) => it.id === id)?.name ?? "";
  return (
    <Page title="Home" actions={make && <LinkButton to={`${paths.shootings()}?new`} look="primary" icon={Plus}>New shooting</LinkButton>}>
      {all.length === 0 && <FirstSteps />}
      <div className="grid gap-5 xl:grid-cols-2">
        {decide && toReview.length > 0 && (
          <Section title={`To review: ${count(sum(toReview), "shot")}`}>
            {toReview.map((it) => <ShootingRow key={it.id} {...row(it)} to={paths.shootingReview(it.id)} says={count(it.shots!.toReview, "shot waits", "shots wait")} />)}
          </Section>
        )}
        {running.length > 0 && (
          <Section title="Being made" more={paths.queue()}>
            {running.slice(0, 8).map((it) => <RunningRow key={it.id} generation={it} shooting={nameOf(it.shootingId)} />)}
          </Section>
        )}
        {failed.length > 0 && (
          <Section title="Failed" more={paths.queue()}>
            {failed.map((it) => <FailureRow key={it.id} generation={it} shooting={nameOf(it.shootingId)} />)}
          </Section>
        )}
        {approved.length > 0 && (
          <Section title="Ready to deliver" more={paths.deliver()}>
            {approved.slice(0, 8).map((it) => <ShootingRow key={it.id} {...row(it)} to={paths.deliver(it.id)} says={count(it.shots!.approved, "shot approved", "shots approved")} />)}
          </Section>
        )}
        {others.length > 0 && (
          <Section title="Shootings" more={paths.shootings()}>
            {others.slice(0, 8).map((it) => <ShootingRow key={it.id} {...row(it)} to={paths.shooting(it.id)} says={count(it.lookCount, "look")} />)}
          </Section>
        )}
      </div>
    </Page>
  );
}

function sum(shootings: Shooting[]): number {
  return shootings.reduce((total, it) => total + (it.shots?.toReview ?? 0), 0);
}

/** What to do in an organization where nothing was done. */
function FirstSteps() {
  const { make } = useRights();
  const products = useInfiniteQuery(productList()).data?.pages[0]?.products.length;
  const subjects = useQuery(subjectList()).data?.length;
  if (!make) return <p className="text-soft">Nothing waits for you. Shootings show up here as soon as there are some.</p>;
  return (
    <ol className="grid gap-3 md:grid-cols-3">
      <Step icon={Shirt} done={Boolean(products)} to={paths.products()} title="Add products">Drop your product photos. Each becomes a product.</Step>
      <Step icon={UserRound} done={Boolean(subjects)} to={paths.subjects()} title="Cast a subject">Describe the person that wears them.</Step>
      <Step icon={Aperture} done={false} to={`${paths.shootings()}?new`} title="Start a shooting">Put both together, see the price, and generate.</Step>
    </ol>
  );
}

function Step({ icon: Icon, title, to, done, children }: { icon: LucideIcon; title: string; to: string; done: boolean; children: string }) {
  return (
    <li>
      <Link to={to} className="group grid h-full content-start gap-1 rounded-lg border bg-panel p-4 hover:border-edge">
        <Icon aria-hidden className="size-5 text-soft" strokeWidth={1.5} />
        <span className="mt-1 flex items-center gap-2 text-base font-medium group-hover:underline">
          {title}
          {done && <CircleCheckBig aria-label="Done" className="size-4 text-ok" />}
        </span>
        <span className="text-soft">{children}</span>
      </Link>
    </li>
  );
}
