import { spoken, useKeymap } from "~/components/keymap";
import { singleKeys, useSingleKeys } from "~/components/shortcuts";
import { theme } from "~/components/theme";
import { useStore } from "~/lib/store";
import { Checkbox } from "~/ui/field";
import { Segmented } from "~/ui/tabs";

export function Appearance() {
  const isOn = useSingleKeys();
  const keysOf = useKeymap();
  return (
    <div className="grid justify-items-start gap-5">
      <div className="grid gap-1.5">
        <h2 className="text-xs font-medium text-soft">Theme</h2>
        <Segmented label="Theme" value={useStore(theme)} onChange={theme.set} options={[["system", "As the system"], ["light", "Light"], ["dark", "Dark"]]} />
      </div>
      <div className="grid gap-1.5">
        <h2 className="text-xs font-medium text-soft">Keyboard</h2>
        <Checkbox checked={isOn} onChange={(it) => singleKeys.set(it.target.checked)} label="Single keys do things, such as A to approve" />
        <p className="text-soft">Switch them off if you speak to your computer. Keys with Ctrl or ⌘ always work. {spoken(keysOf("Everywhere.help"))} shows what works on a page, and lets you choose other keys for it.</p>
      </div>
    </div>
  );
}
