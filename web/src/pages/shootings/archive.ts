import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Shooting_State, type Shooting } from "~/api/gen/sartiq/shooting/v1/shooting_pb";
import { keys } from "~/api/keys";
import { shootings } from "~/api/shooting";
import { errorToast, undoToast } from "~/components/toast";
import { uuid } from "~/lib/uuid";

interface Wish { id: string; name: string; isArchived: boolean }

/** Archives a shooting or brings it back. Archiving offers to undo it. */
export function useArchive() {
  const cache = useQueryClient();
  const { mutate, isPending } = useMutation({
    mutationFn: async ({ id, isArchived }: Wish) => {
      const request = { requestId: uuid(), id };
      return (await (isArchived ? shootings.archiveShooting(request) : shootings.restoreShooting(request))).shooting!;
    },
    onSuccess: (next, wish) => {
      cache.setQueryData(keys.shooting(wish.id), next);
      void cache.invalidateQueries({ queryKey: keys.shootings() });
      if (wish.isArchived) undoToast(`Archived ${wish.name}.`, () => mutate({ ...wish, isArchived: false }));
    },
    onError: errorToast,
  });
  return { isPending, toggle: ({ id, name, state }: Shooting) => mutate({ id, name, isArchived: state !== Shooting_State.ARCHIVED }) };
}
