import { Building2, CircleUserRound, Keyboard, LogOut, Settings, Users } from "lucide-react";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "react-router";
import { meQuery, organizationList, organizations, ROLE_NAMES } from "~/api/identity";
import { signIn, signOut, session } from "~/api/session";
import { useStore } from "~/lib/store";
import { paths } from "~/paths";
import { IconButton } from "~/ui/button";
import { Menu, MenuChoice, MenuItem, MenuLabel, MenuLine } from "~/ui/menu";
import { spoken, useKeymap } from "./keymap";
import { theme } from "./theme";
import { errorToast } from "./toast";

/** Who is signed in, where, and how the app looks. */
export function UserMenu({ onHelp }: { onHelp: () => void }) {
  const me = useQuery(meQuery()).data;
  const all = useQuery(organizationList()).data ?? [];
  const present = useStore(session);
  const navigate = useNavigate();
  const keysOf = useKeymap();
  const change = async (id: string) => {
    if (id === present?.organizationId) return;
    try {
      const { tokens } = await organizations.switchOrganization({ id });
      signIn(tokens!);
      await navigate(paths.home());
    } catch (error) {
      errorToast(error);
    }
  };
  return (
    <Menu trigger={<IconButton label="Account and settings" icon={CircleUserRound} />}>
      <MenuLabel>{me?.user ? `${me.user.name} · ${ROLE_NAMES[me.role]}` : "Signed in"}</MenuLabel>
      {all.length > 1 && present ? (
        <MenuChoice value={present.organizationId} options={all.map((it) => [it.id, it.name])} onChange={(id) => void change(id)} />
      ) : (
        all.map((it) => <MenuItem key={it.id} icon={Building2} onSelect={() => void navigate(paths.settings("organization"))}>{it.name}</MenuItem>)
      )}
      <MenuLine />
      <MenuItem icon={Settings} onSelect={() => void navigate(paths.settings())}>Settings</MenuItem>
      <MenuItem icon={Users} onSelect={() => void navigate(paths.settings("members"))}>Members</MenuItem>
      <MenuItem icon={Keyboard} shortcut={spoken(keysOf("Everywhere.help"))} onSelect={onHelp}>Shortcuts</MenuItem>
      <MenuLine />
      <MenuLabel>Theme</MenuLabel>
      <MenuChoice value={useStore(theme)} options={[["system", "As the system"], ["light", "Light"], ["dark", "Dark"]]} onChange={theme.set} />
      <MenuLine />
      <MenuItem icon={LogOut} onSelect={() => void signOut()}>Sign out</MenuItem>
    </Menu>
  );
}
