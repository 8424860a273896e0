import { createClient } from "@connectrpc/connect";
import { queryOptions } from "@tanstack/react-query";
import { useStore } from "~/lib/store";
import { Role } from "./gen/sartiq/identity/v1/role_pb";
import { MemberService } from "./gen/sartiq/identity/v1/member_service_pb";
import { OrganizationService } from "./gen/sartiq/identity/v1/organization_service_pb";
import { SessionService } from "./gen/sartiq/identity/v1/session_service_pb";
import { UserService } from "./gen/sartiq/identity/v1/user_service_pb";
import { keys } from "./keys";
import { everything } from "./pages";
import { session } from "./session";
import { transport } from "./transport";

export const users = createClient(UserService, transport);
export const organizations = createClient(OrganizationService, transport);
export const members = createClient(MemberService, transport);
export const sessions = createClient(SessionService, transport);

export const meQuery = () =>
  queryOptions({
    queryKey: keys.me(),
    queryFn: ({ signal }) => users.getMe({}, { signal }),
  });
export const organizationList = () =>
  queryOptions({
    queryKey: keys.organizations(),
    queryFn: ({ signal }) => everything(organizations.listOrganizations, (it) => it.organizations, signal),
  });
export const memberList = () =>
  queryOptions({
    queryKey: keys.members(),
    queryFn: ({ signal }) => everything(members.listMembers, (it) => it.members, signal),
  });
export const sessionList = () =>
  queryOptions({
    queryKey: keys.sessions(),
    queryFn: async ({ signal }) => (await sessions.listSessions({}, { signal })).sessions,
  });

/** What the signed-in user's role allows. The server judges; this is what to show. */
export interface Rights {
  role: Role;
  /** Owners and admins: members, targets, settings. */
  manage: boolean;
  /** Editors and above: products, shootings, generations, exports. */
  make: boolean;
  /** Reviewers and above: approve, reject, undo. */
  decide: boolean;
}

export function rightsOf(role: Role): Rights {
  const within = (last: Role) => role !== Role.UNSPECIFIED && role <= last;
  return { role, manage: within(Role.ADMIN), make: within(Role.EDITOR), decide: within(Role.REVIEWER) };
}

export function useRights(): Rights {
  return rightsOf(useStore(session)?.role ?? Role.UNSPECIFIED);
}

export const ROLE_NAMES: Record<Role, string> = {
  [Role.UNSPECIFIED]: "None", [Role.OWNER]: "Owner", [Role.ADMIN]: "Admin", [Role.EDITOR]: "Editor",
  [Role.REVIEWER]: "Reviewer", [Role.VIEWER]: "Viewer",
};
