import { useQuery } from "@tanstack/react-query";
import { ScrollText } from "lucide-react";
import { guidelineList } from "~/api/catalog";
import { EditableList } from "~/components/editable-list";
import { GuidelineEdit } from "~/forms/guideline-edit";
import { ago, count } from "~/lib/format";

export function Guidelines() {
  return (
    <EditableList
      noun="guideline"
      about="A guideline is a list of rules of your brand that every picture keeps."
      icon={ScrollText}
      query={useQuery(guidelineList())}
      columns={[
        { title: "Name", cell: (it) => it.name },
        { title: "Rules", clear: true, cell: (it) => <span className="whitespace-nowrap">{count(it.rules.length, "rule")}</span> },
        { title: "First of them", clear: true, cell: (it) => <span className="line-clamp-2 sm:min-w-48 text-soft">{it.rules.slice(0, 2).join(" ")}</span> },
        { title: "Changed", cell: (it) => <span className="whitespace-nowrap text-soft">{ago(it.updateTime)}</span> },
      ]}
      form={(guideline, onClose) => <GuidelineEdit guideline={guideline} onClose={onClose} />}
    />
  );
}
