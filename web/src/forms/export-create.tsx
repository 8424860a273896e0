import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { CircleAlert, PackageCheck } from "lucide-react";
import { useState } from "react";
import { useNavigate } from "react-router";
import { exports, targetList } from "~/api/delivery";
import { FileFormat_Type } from "~/api/gen/sartiq/delivery/v1/export_pb";
import { Target_State } from "~/api/gen/sartiq/delivery/v1/target_pb";
import { Shot_State, type Shot } from "~/api/gen/sartiq/shooting/v1/shot_pb";
import { shotTypeList } from "~/api/catalog";
import { useRights } from "~/api/identity";
import { keys } from "~/api/keys";
import { lookList, shootingList, shotList } from "~/api/shooting";
import { useOnline } from "~/components/connection";
import { useSubmit } from "~/components/form";
import { Page } from "~/components/page";
import { CARDS, ShootingCard } from "~/components/shooting-card";
import { ShotChoice } from "~/components/shot-choice";
import { Empty, ErrorPanel, SkeletonGrid } from "~/components/state";
import { count } from "~/lib/format";
import { paths } from "~/paths";
import { Button, LinkButton } from "~/ui/button";
import { Input, Select } from "~/ui/field";

interface ExportCreateProps { shootingId: string; onShooting: (id: string) => void; onClose: () => void }

/** Chooses approved pictures, and sends them as a zip or to a target. */
export function ExportCreate({ shootingId, onShooting, onClose }: ExportCreateProps) {
  const list = useInfiniteQuery(shootingList());
  const all = list.data?.pages.flatMap((it) => it.shootings) ?? [];
  const shooting = all.find((it) => it.id === shootingId);
  const able = all.filter((it) => (it.shots?.approved ?? 0) > 0 || it.id === shootingId);
  const shots = useQuery({ ...shotList(shootingId), enabled: shootingId !== "" });
  const looks = useQuery({ ...lookList(shootingId), enabled: shootingId !== "" }).data;
  const types = useQuery(shotTypeList()).data;
  const targets = useQuery(targetList()).data;
  const { decide } = useRights();
  const isOnline = useOnline();
  const navigate = useNavigate();
  const cache = useQueryClient();
  const [name, setName] = useState<string>();
  const [targetId, setTarget] = useState("");
  const [type, setType] = useState(FileFormat_Type.UNSPECIFIED);
  const [longEdgePx, setEdge] = useState(0);
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());

  const approved = shots.data?.filter((it) => it.state === Shot_State.APPROVED) ?? [];
  const open = (shots.data?.length ?? 0) - approved.length;
  const chosen = approved.filter((it) => !left.has(it.id));
  const title = name ?? shooting?.name ?? "";
  const nameOf = (shot: Shot) => [looks?.find((it) => it.id === shot.lookId)?.name, types?.find((it) => it.id === shot.shotTypeId)?.name].filter(Boolean).join(" · ");
  const form = useSubmit(
    (requestId) => exports.createExport({ requestId, name: title.trim(), shootingId, shotIds: chosen.map((it) => it.id), targetId, format: { type, longEdgePx, quality: 0 } }),
    ({ export: made }) => {
      void cache.invalidateQueries({ queryKey: keys.exports() });
      void navigate(paths.export(made!.id));
    },
  );
  const reason = !isOnline ? "You are offline." : !shootingId ? "Choose a shooting first." : chosen.length === 0 ? "Choose at least one approved picture." : !title.trim() ? "Give it a name." : false;
  const toggle = (id: string) => setLeft((before) => {
    const next = new Set(before);
    if (!next.delete(id)) next.add(id);
    return next;
  });
  return (
    <Page title="New export" within="Deliver" actions={<Button onClick={onClose}>Cancel</Button>}>
      {list.error && <ErrorPanel error={list.error} onRetry={list.refetch} />}
      <form onSubmit={form.onSubmit} className="grid grid-cols-1 gap-5 lg:grid-cols-[minmax(0,1fr)_18rem]">
        <section aria-label="Pictures" className="min-w-0">
          {shots.error && <ErrorPanel error={shots.error} onRetry={shots.refetch} />}
          {shootingId && shots.isPending && <SkeletonGrid what="the shots" count={8} />}
          {!shootingId && list.isPending && <SkeletonGrid what="the shootings" count={6} />}
          {!shootingId && list.data && able.length === 0 && (
            <Empty icon={PackageCheck} title="No picture is approved yet" action={<LinkButton to={paths.review()} look="primary">Go to review</LinkButton>}>
              Only approved pictures are delivered.
            </Empty>
          )}
          {!shootingId && able.length > 0 && (
            <>
              <h2 className="mb-1.5 font-semibold">Which shooting?</h2>
              <ul className={CARDS}>
                {able.map((it) => <li key={it.id}><ShootingCard shooting={it} to={paths.deliver(it.id)} says={count(it.shots!.approved, "picture approved", "pictures approved")} /></li>)}
              </ul>
            </>
          )}
          {shots.data && approved.length === 0 && (
            <Empty icon={PackageCheck} title="No picture is approved yet" action={decide && <LinkButton to={paths.shootingReview(shootingId)} look="primary">Review {shooting?.name ?? "the shooting"}</LinkButton>}>
              Only approved pictures are delivered. {count(open, "shot waits", "shots wait")} for that.
            </Empty>
          )}
          {approved.length > 0 && (
            <>
              <div className="mb-2 flex flex-wrap items-center gap-2">
                <p role="status" className="font-medium">{chosen.length} of {count(approved.length, "approved picture")} chosen</p>
                <Button small look="quiet" onClick={() => setLeft(chosen.length < approved.length ? new Set() : new Set(approved.map((it) => it.id)))}>{chosen.length < approved.length ? "Choose all" : "Choose none"}</Button>
              </div>
              {open > 0 && (
                <p className="mb-3 flex items-start gap-2 text-soft">
                  <CircleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-warn" />
                  <span>{count(open, "shot")} of this shooting {open === 1 ? "is" : "are"} not approved and cannot be sent. The server checks this, too. {decide && <LinkButton small look="quiet" to={paths.shootingReview(shootingId)} className="underline">Review them</LinkButton>}</span>
                </p>
              )}
              <ul aria-label="Approved pictures" className="grid grid-cols-[repeat(auto-fill,minmax(8.5rem,1fr))] gap-3">
                {approved.map((it) => <li key={it.id}><ShotChoice shot={it} title={nameOf(it)} isChosen={!left.has(it.id)} onToggle={() => toggle(it.id)} /></li>)}
              </ul>
            </>
          )}
        </section>
        <section aria-label="How it is delivered" className="grid content-start gap-3 max-lg:order-first lg:sticky lg:top-3 lg:self-start">
          <Select label="Shooting" value={shootingId} onChange={(it) => { onShooting(it.target.value); setLeft(new Set()); setName(undefined); }}>
            <option value="" disabled>Choose…</option>
            {able.map((it) => <option key={it.id} value={it.id}>{it.name} ({it.shots?.approved ?? 0} approved)</option>)}
          </Select>
          <Input label="Name" required maxLength={120} value={title} error={form.fieldError("name")} onChange={(it) => setName(it.target.value)} />
          <Select label="To" value={targetId} error={form.fieldError("targetId")} onChange={(it) => setTarget(it.target.value)}>
            <option value="">Zip to download</option>
            {targets?.map((it) => <option key={it.id} value={it.id}>{it.name}{it.state === Target_State.REFUSED ? " (refuses our key)" : ""}</option>)}
          </Select>
          <div className="grid grid-cols-2 gap-3">
            <Select label="Files" value={type} onChange={(it) => setType(Number(it.target.value))}>
              <option value={FileFormat_Type.UNSPECIFIED}>As made</option>
              <option value={FileFormat_Type.JPEG}>JPEG</option>
              <option value={FileFormat_Type.PNG}>PNG</option>
              <option value={FileFormat_Type.WEBP}>WebP</option>
            </Select>
            <Select label="Longest edge" value={longEdgePx} onChange={(it) => setEdge(Number(it.target.value))}>
              <option value={0}>As made</option>
              {[1000, 1600, 2000, 3000].map((it) => <option key={it} value={it}>{it} px</option>)}
            </Select>
          </div>
          {form.error !== undefined && <ErrorPanel error={form.error} />}
          {form.fieldError("shotIds") && <p role="alert" className="text-bad">{form.fieldError("shotIds")}</p>}
          <Button type="submit" look="primary" icon={PackageCheck} busy={form.busy} reason={reason}>{chosen.length > 0 ? `Send ${count(chosen.length, "picture")}` : "Send"}</Button>
        </section>
      </form>
    </Page>
  );
}
