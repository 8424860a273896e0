import { useQuery } from "@tanstack/react-query";
import { Frame, Lock, Pencil } from "lucide-react";
import { shotTypeList } from "~/api/catalog";
import { EditableList } from "~/components/editable-list";
import { ShotTypeEdit } from "~/forms/shot-type-edit";
import { Badge } from "~/ui/badge";

export function ShotTypes() {
  return (
    <EditableList
      noun="shot type"
      about="A shot type says what a shot shows. Those of the system set are patterns: open one to make your own of it."
      icon={Frame}
      query={useQuery(shotTypeList())}
      columns={[
        { title: "Name", cell: (it) => it.name, className: "sm:whitespace-nowrap" },
        { title: "Code", cell: (it) => <code className="text-xs">{it.code}</code>, className: "whitespace-nowrap" },
        { title: "Shows", clear: true, cell: (it) => <span className="line-clamp-2 sm:min-w-48 text-soft">{[it.framing, it.angle, it.pose].filter(Boolean).join(" · ")}</span> },
        { title: "Size", end: true, cell: (it) => <span className="whitespace-nowrap">{it.widthPx} × {it.heightPx}</span> },
        { title: "Pictures", end: true, cell: (it) => it.defaultVariants },
        { title: "Set", clear: true, cell: (it) => it.system ? <Badge icon={Lock}>System</Badge> : <Badge icon={Pencil} tone="accent">Yours</Badge> },
      ]}
      form={(shotType, onClose) => <ShotTypeEdit shotType={shotType} onClose={onClose} />}
    />
  );
}
