import { create } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { Code, type ConnectRouter } from "@connectrpc/connect";
import { LookSchema, type Look } from "~/api/gen/sartiq/shooting/v1/look_pb";
import { LookService, type LookInput } from "~/api/gen/sartiq/shooting/v1/look_service_pb";
import { ShootingService } from "~/api/gen/sartiq/shooting/v1/shooting_service_pb";
import { Shooting_State, ShootingSchema, ShotCountsSchema, type Shooting } from "~/api/gen/sartiq/shooting/v1/shooting_pb";
import { Shot_State, ShotSchema, type Shot } from "~/api/gen/sartiq/shooting/v1/shot_pb";
import { ShotService } from "~/api/gen/sartiq/shooting/v1/shot_service_pb";
import { db, find, fresh, newest, page, patch, put, refusal } from "./db";
import { emit } from "./events";

export const shotsOf = (shootingId: string) => [...db.shots.values()].filter((it) => it.shootingId === shootingId);
const looksOf = (shootingId: string) => [...db.looks.values()].filter((it) => it.shootingId === shootingId);

/** Counts the shots of a shooting, and lets its state follow from theirs. */
export function settle(id: string): Shooting {
  const shooting = find(db.shootings, id, "shooting");
  const shots = shotsOf(id);
  const of = (state: Shot_State) => shots.filter((it) => it.state === state).length;
  const counts = create(ShotCountsSchema, {
    planned: of(Shot_State.PLANNED), generating: of(Shot_State.GENERATING), toReview: of(Shot_State.TO_REVIEW),
    revisionRequested: of(Shot_State.REVISION_REQUESTED), approved: of(Shot_State.APPROVED), rejected: of(Shot_State.REJECTED),
  });
  const before = shooting.state;
  const now = counts.planned === shots.length ? Shooting_State.DRAFT
    : counts.approved === shots.length ? Shooting_State.APPROVED
    : counts.generating + counts.planned > 0 ? Shooting_State.IN_PRODUCTION : Shooting_State.IN_REVIEW;
  Object.assign(shooting, { shots: counts, lookCount: looksOf(id).length, updateTime: timestampNow() });
  if (before !== Shooting_State.ARCHIVED && before !== now) {
    shooting.state = now;
    emit({ case: "shootingStateChanged", value: { $typeName: "sartiq.event.v1.ShootingChanged", shootingId: id, fromState: Shooting_State[before], toState: Shooting_State[now] } });
  }
  return shooting;
}

export function moveShot(shot: Shot, state: Shot_State, selectedPredictionId = ""): Shot {
  const from = shot.state;
  Object.assign(shot, { state, selectedPredictionId, updateTime: timestampNow() });
  emit({
    case: "shotStateChanged",
    value: { $typeName: "sartiq.event.v1.ShotChanged", shotId: shot.id, shootingId: shot.shootingId, fromState: Shot_State[from], toState: Shot_State[state], selectedPredictionId },
  });
  settle(shot.shootingId);
  return shot;
}

/** Gives the look exactly the shots of its shot types. */
function fill(look: Look): Shot[] {
  const own = [...db.shots.values()].filter((it) => it.lookId === look.id);
  const gone = own.filter((it) => !look.shotTypeIds.includes(it.shotTypeId));
  if (gone.some((it) => it.generationId)) throw refusal(Code.FailedPrecondition, "SHOT_IN_USE", "something was generated for a shot of the look");
  gone.forEach((it) => db.shots.delete(it.id));
  const shots = look.shotTypeIds.map((shotTypeId) => own.find((it) => it.shotTypeId === shotTypeId)
    ?? put(db.shots, create(ShotSchema, { ...fresh(), shootingId: look.shootingId, lookId: look.id, shotTypeId, state: Shot_State.PLANNED })));
  settle(look.shootingId);
  return shots;
}

function tell(kind: "lookCreated" | "lookUpdated" | "lookDeleted", { id, shootingId, name, productId }: Look): void {
  emit({ case: kind, value: { $typeName: "sartiq.event.v1.LookChanged", lookId: id, shootingId, name, productId } });
}

export function addLook(shootingId: string, input: LookInput): { look: Look; shots: Shot[] } {
  const { $typeName, $unknown, ...fields } = input;
  const name = input.name || find(db.products, input.productId, "product").name;
  const look = put(db.looks, create(LookSchema, { ...fields, ...fresh(), shootingId, name }));
  const shots = fill(look);
  tell("lookCreated", look);
  return { look, shots };
}

export function addShooting(name: string, brief: string): Shooting {
  const shooting = put(db.shootings, create(ShootingSchema, { ...fresh(), name, brief, state: Shooting_State.DRAFT, shots: {} }));
  emit({ case: "shootingCreated", value: { $typeName: "sartiq.event.v1.ShootingChanged", shootingId: shooting.id, fromState: "", toState: "DRAFT" } });
  return shooting;
}

export function shooting(router: ConnectRouter): void {
  router.service(ShootingService, {
    createShooting: ({ shooting: input }) => ({ shooting: addShooting(input!.name, input!.brief) }),
    getShooting: ({ id }) => ({ shooting: find(db.shootings, id, "shooting") }),
    listShootings: (request) => {
      const all = newest(db.shootings).filter((it) => request.showArchived || it.state !== Shooting_State.ARCHIVED);
      const { items, nextPageToken } = page(all, request);
      return { shootings: items, nextPageToken };
    },
    updateShooting: ({ id, etag, shooting: input, updateMask }) => {
      const found = find(db.shootings, id, "shooting");
      patch(found, input!, updateMask, etag);
      return { shooting: found };
    },
    archiveShooting: ({ id }) => ({ shooting: Object.assign(find(db.shootings, id, "shooting"), { state: Shooting_State.ARCHIVED }) }),
    restoreShooting: ({ id }) => {
      find(db.shootings, id, "shooting").state = Shooting_State.DRAFT;
      return { shooting: settle(id) };
    },
  });
  router.service(LookService, {
    createLook: ({ shootingId, look }) => addLook(shootingId, look!),
    batchCreateLooks: ({ shootingId, looks }) => {
      const added = looks.map((it) => addLook(shootingId, it));
      return { looks: added.map((it) => it.look), shots: added.flatMap((it) => it.shots) };
    },
    getLook: ({ id }) => ({ look: find(db.looks, id, "look"), shots: [...db.shots.values()].filter((it) => it.lookId === id) }),
    listLooks: (request) => {
      const { items, nextPageToken } = page(looksOf(request.shootingId), request);
      return { looks: items, nextPageToken };
    },
    updateLook: ({ id, etag, look: input, updateMask }) => {
      const look = find(db.looks, id, "look");
      patch(look, input!, updateMask, etag);
      const shots = fill(look);
      tell("lookUpdated", look);
      return { look, shots };
    },
    deleteLook: ({ id }) => {
      const look = find(db.looks, id, "look");
      look.shotTypeIds = [];
      fill(look);
      db.looks.delete(id);
      settle(look.shootingId);
      tell("lookDeleted", look);
      return {};
    },
  });
  router.service(ShotService, {
    getShot: ({ id }) => ({ shot: find(db.shots, id, "shot") }),
    batchGetShots: ({ ids }) => ({ shots: ids.map((id) => find(db.shots, id, "shot")) }),
    listShots: (request) => {
      const fits = shotsOf(request.shootingId).filter((it) => !request.state || it.state === request.state);
      const { items, nextPageToken } = page(fits, request);
      return { shots: items, nextPageToken };
    },
  });
}
