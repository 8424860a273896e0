import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useParams } from "react-router";
import type { Shooting } from "~/api/gen/sartiq/shooting/v1/shooting_pb";
import { useRights } from "~/api/identity";
import { shootingQuery } from "~/api/shooting";
import { paths } from "~/paths";
import { Tab, Tabs } from "~/ui/tabs";
import { Page } from "./page";
import { ErrorPanel, SkeletonGrid } from "./state";
import { ShootingBadge } from "./states";

/** The pages of a shooting beside each other. */
export function ShootingTabs({ id }: { id: string }) {
  const { make } = useRights();
  return (
    <Tabs label="Pages of the shooting">
      <Tab to={paths.shooting(id)} end>Overview</Tab>
      <Tab to={paths.looks(id)}>Looks</Tab>
      {make && <Tab to={paths.generate(id)}>Generate</Tab>}
      <Tab to={paths.shootingReview(id)}>Review</Tab>
      <Tab to={paths.deliver(id)}>Deliver</Tab>
    </Tabs>
  );
}

interface FrameProps {
  /** Which of the shooting's pages it is. */
  page: string;
  actions?: (shooting: Shooting) => ReactNode;
  children: (shooting: Shooting) => ReactNode;
}

/** One of the pages of the shooting in the URL: its name, its state, and the way to the others. */
export function ShootingFrame({ page, actions, children }: FrameProps) {
  const { id = "" } = useParams();
  const { data: shooting, error, refetch } = useQuery(shootingQuery(id));
  if (error && !shooting) return <Page title="Shooting" within={page}><ErrorPanel error={error} onRetry={refetch} /></Page>;
  if (!shooting) return <Page title="Shooting" within={page}><SkeletonGrid what="the shooting" /></Page>;
  return (
    <Page
      title={shooting.name}
      within={page}
      aside={<ShootingBadge state={shooting.state} />}
      actions={actions?.(shooting)}
      below={<ShootingTabs id={id} />}
    >
      {children(shooting)}
    </Page>
  );
}
