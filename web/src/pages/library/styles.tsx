import { useQuery } from "@tanstack/react-query";
import { Palette } from "lucide-react";
import { styleList } from "~/api/catalog";
import { EditableList } from "~/components/editable-list";
import { StyleEdit } from "~/forms/style-edit";
import { ago } from "~/lib/format";

export function Styles() {
  return (
    <EditableList
      noun="style"
      about="A style says how pictures look: light, background, camera."
      icon={Palette}
      query={useQuery(styleList())}
      columns={[
        { title: "Name", cell: (it) => it.name },
        { title: "Prompt", clear: true, cell: (it) => <span className="line-clamp-2 sm:min-w-48 text-soft">{it.prompt}</span> },
        { title: "Background", cell: (it) => it.background, className: "max-sm:hidden" },
        { title: "Light", cell: (it) => it.light, className: "max-sm:hidden" },
        { title: "Changed", cell: (it) => <span className="whitespace-nowrap text-soft">{ago(it.updateTime)}</span> },
      ]}
      form={(style, onClose) => <StyleEdit style={style} onClose={onClose} />}
    />
  );
}
