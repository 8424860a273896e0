import { useNavigate, useParams } from "react-router";
import { members, organizations, ROLE_NAMES } from "~/api/identity";
import { session, signIn, signOut } from "~/api/session";
import { useSubmit } from "~/components/form";
import { ErrorPanel } from "~/components/state";
import { toast } from "~/components/toast";
import { useStore } from "~/lib/store";
import { paths } from "~/paths";
import { Button, LinkButton } from "~/ui/button";
import { Card } from "./card";

/** Where the link of an invitation leads. */
export default function Invite() {
  const { token = "" } = useParams();
  const isSignedIn = useStore(session) !== undefined;
  const navigate = useNavigate();
  const { submit, busy, error, problem } = useSubmit(
    async (requestId) => {
      const joined = await members.acceptInvitation({ requestId, token });
      const { tokens } = await organizations.switchOrganization({ id: joined.organizationId });
      signIn(tokens!);
      return joined;
    },
    ({ role }) => {
      toast(`You have joined as ${ROLE_NAMES[role].toLowerCase()}.`);
      void navigate(paths.home(), { replace: true });
    },
  );
  const back = paths.invite(token);
  return (
    <Card title="You are invited">
      {isSignedIn ? (
        <>
          <p className="text-soft">Join the organization with the account that you are signed in with.</p>
          {error !== undefined && <ErrorPanel error={error} />}
          <Button look="primary" busy={busy} onClick={submit}>Accept the invitation</Button>
          {problem?.reason === "INVITATION_NOT_YOURS" && <Button onClick={() => void signOut()}>Use another account</Button>}
        </>
      ) : (
        <>
          <p className="text-soft">Sign in, or create an account with the address that was invited.</p>
          <LinkButton look="primary" to={paths.signUp(back)}>Create an account</LinkButton>
          <LinkButton to={paths.login(back)}>Sign in</LinkButton>
        </>
      )}
    </Card>
  );
}
