import { useQuery } from "@tanstack/react-query";
import { Pencil } from "lucide-react";
import { useState } from "react";
import { useParams } from "react-router";
import { subjectQuery } from "~/api/catalog";
import { useRights } from "~/api/identity";
import { Page } from "~/components/page";
import { Picture } from "~/components/picture";
import { ErrorPanel, SkeletonGrid } from "~/components/state";
import { SubjectEdit } from "~/forms/subject-edit";
import { cx } from "~/lib/cx";
import { ago } from "~/lib/format";
import { Button } from "~/ui/button";

export default function SubjectPage() {
  const { id = "" } = useParams();
  const { data: subject, error, refetch } = useQuery(subjectQuery(id));
  const { make } = useRights();
  const [isEditing, setEditing] = useState(false);
  if (error) return <Page title="Subject" within="Subjects"><ErrorPanel error={error} onRetry={refetch} /></Page>;
  if (!subject) return <Page title="Subject" within="Subjects"><SkeletonGrid what="the subject" count={1} /></Page>;
  return (
    <Page title={subject.name} within="Subjects" actions={make && <Button icon={Pencil} onClick={() => setEditing(true)}>Edit</Button>}>
      <div className={cx("grid gap-5", subject.portraitMediaId ? "sm:grid-cols-[minmax(0,22rem)_1fr]" : "sm:grid-cols-[10rem_1fr] max-sm:grid-cols-[7rem_1fr]")}>
        <Picture mediaId={subject.portraitMediaId} alt={`Portrait of ${subject.name}`} edge={1280} eager className="aspect-[4/5] rounded-lg" />
        <dl className="grid max-w-prose content-start gap-3">
          <div><dt className="text-xs text-soft">Handle</dt><dd>{subject.handle}</dd></div>
          <div><dt className="text-xs text-soft">Description</dt><dd className="whitespace-pre-wrap">{subject.description || "None yet. Pictures are made from these words, too."}</dd></div>
          <div><dt className="text-xs text-soft">Changed</dt><dd>{ago(subject.updateTime)}</dd></div>
        </dl>
      </div>
      {isEditing && <SubjectEdit subject={subject} onClose={() => setEditing(false)} />}
    </Page>
  );
}
