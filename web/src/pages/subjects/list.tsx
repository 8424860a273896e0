import { useQuery } from "@tanstack/react-query";
import { Plus, UserRound } from "lucide-react";
import { useState } from "react";
import { Link } from "react-router";
import { subjectList } from "~/api/catalog";
import { useRights } from "~/api/identity";
import { Page } from "~/components/page";
import { Picture } from "~/components/picture";
import { TileGrid } from "~/components/tile-grid";
import { Empty, ErrorPanel, SkeletonGrid } from "~/components/state";
import { SubjectEdit } from "~/forms/subject-edit";
import { paths } from "~/paths";
import { Button } from "~/ui/button";

export default function Subjects() {
  const { data, error, refetch, isPending } = useQuery(subjectList());
  const { make } = useRights();
  const [isCreating, setCreating] = useState(false);
  const create = make && <Button look="primary" icon={Plus} onClick={() => setCreating(true)}>New subject</Button>;
  return (
    <Page title="Subjects" actions={create}>
      {error && <ErrorPanel error={error} onRetry={refetch} />}
      {isPending && <SkeletonGrid what="subjects" count={6} />}
      {data?.length === 0 && (
        <Empty icon={UserRound} title="No subjects yet" action={create}>A subject is the person that wears your products: a portrait and a description.</Empty>
      )}
      {data && data.length > 0 && (
        <TileGrid label="Subjects" items={data} keyOf={(it) => it.id}>
          {(it) => (
            <Link to={paths.subject(it.id)} data-tile title={it.name} className="group block overflow-hidden rounded-lg border bg-panel hover:border-edge">
              <Picture mediaId={it.portraitMediaId} alt="" className="aspect-[4/5]" />
              <span className="block px-2.5 py-1.5">
                <span className="block truncate font-medium group-hover:underline">{it.name}</span>
                <span className="block truncate text-xs text-soft">@{it.handle}</span>
              </span>
            </Link>
          )}
        </TileGrid>
      )}
      {isCreating && <SubjectEdit onClose={() => setCreating(false)} />}
    </Page>
  );
}
