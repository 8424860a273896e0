import { useParams } from "react-router";
import { Page } from "~/components/page";
import { NotFound } from "~/components/state";
import { paths } from "~/paths";
import { Tab, Tabs } from "~/ui/tabs";
import { Appearance } from "./appearance";
import { Members } from "./members";
import { Organization } from "./organization";
import { Profile } from "./profile";
import { Sessions } from "./sessions";

const PAGES = {
  profile: [Profile, "Profile"],
  appearance: [Appearance, "Appearance"],
  sessions: [Sessions, "Sessions"],
  organization: [Organization, "Organization"],
  members: [Members, "Members"],
} as const;
type Name = keyof typeof PAGES;

export default function Settings() {
  const { page = "" } = useParams();
  const [Content, title] = PAGES[page as Name] ?? [NotFound, "Not found"];
  const tabs = (
    <Tabs label="Settings">
      {(Object.keys(PAGES) as Name[]).map((it) => <Tab key={it} to={paths.settings(it)}>{PAGES[it][1]}</Tab>)}
    </Tabs>
  );
  return (
    <Page title={title} within="Settings" below={tabs}>
      <div className="max-w-3xl"><Content /></div>
    </Page>
  );
}
