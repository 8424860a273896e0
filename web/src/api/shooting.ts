import { createClient } from "@connectrpc/connect";
import { queryOptions } from "@tanstack/react-query";
import { LookService } from "./gen/sartiq/shooting/v1/look_service_pb";
import { ReviewService } from "./gen/sartiq/shooting/v1/review_service_pb";
import { ShootingService } from "./gen/sartiq/shooting/v1/shooting_service_pb";
import { ShotService } from "./gen/sartiq/shooting/v1/shot_service_pb";
import { keys } from "./keys";
import { everything, paged } from "./pages";
import { transport } from "./transport";

export const shootings = createClient(ShootingService, transport);
export const looks = createClient(LookService, transport);
export const shots = createClient(ShotService, transport);
export const reviews = createClient(ReviewService, transport);

export const shootingList = (showArchived = false) =>
  paged([...keys.shootings(), { showArchived }], (page, options) =>
    shootings.listShootings({ ...page, showArchived }, options));

/** All shootings, archived ones too: what they are called. */
export const shootingNames = () =>
  queryOptions({
    queryKey: [...keys.shootings(), "names"],
    queryFn: ({ signal }) =>
      everything((page, options) => shootings.listShootings({ ...page, showArchived: true }, options), (it) => it.shootings, signal),
    select: (all) => new Map(all.map((it) => [it.id, it.name])),
  });

export const shootingQuery = (id: string) =>
  queryOptions({
    queryKey: keys.shooting(id),
    queryFn: async ({ signal }) => (await shootings.getShooting({ id }, { signal })).shooting!,
  });

/** All looks of a shooting, in the order they were created. */
export const lookList = (shootingId: string) =>
  queryOptions({
    queryKey: keys.looks(shootingId),
    queryFn: ({ signal }) =>
      everything((page, options) => looks.listLooks({ ...page, shootingId }, options), (it) => it.looks, signal),
  });

/** All shots of a shooting. */
export const shotList = (shootingId: string) =>
  queryOptions({
    queryKey: keys.shots(shootingId),
    queryFn: ({ signal }) =>
      everything((page, options) => shots.listShots({ ...page, shootingId }, options), (it) => it.shots, signal),
  });

/** The decisions about a shot, newest first. */
export const decisionList = (shotId: string) =>
  queryOptions({
    queryKey: keys.decisions(shotId),
    queryFn: ({ signal }) =>
      everything((page, options) => reviews.listDecisions({ ...page, shotId }, options), (it) => it.decisions, signal),
  });
