import { createRouterTransport, type Transport } from "@connectrpc/connect";
import { EventService } from "~/api/gen/sartiq/event/v1/event_service_pb";
import { interceptors } from "~/api/interceptors";
import { session, signIn } from "~/api/session";
import { catalog } from "./catalog";
import { compute } from "./compute";
import { delivery } from "./delivery";
import { eventService } from "./events";
import { generation } from "./generation";
import { identity, tokens } from "./identity";
import { media } from "./media";
import { review } from "./review";
import { seed } from "./seed";
import { shooting } from "./shooting";

/** All services, in memory: what `npm run dev` shows without a backend. Signs in by itself the first time. */
export function memory(): Transport {
  seed();
  if (session.get()?.refreshToken !== "memory") signIn(tokens());
  return createRouterTransport(
    (router) => {
      for (const service of [identity, media, catalog, shooting, review, generation, delivery, compute]) service(router);
      router.service(EventService, eventService);
    },
    { transport: { interceptors } },
  );
}
