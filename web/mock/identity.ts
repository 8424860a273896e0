import { create } from "@bufbuild/protobuf";
import { timestampFromMs, timestampNow } from "@bufbuild/protobuf/wkt";
import { Code, type ConnectRouter } from "@connectrpc/connect";
import { AuthService } from "~/api/gen/sartiq/identity/v1/auth_service_pb";
import { MemberSchema } from "~/api/gen/sartiq/identity/v1/member_pb";
import { MemberService } from "~/api/gen/sartiq/identity/v1/member_service_pb";
import { OrganizationService } from "~/api/gen/sartiq/identity/v1/organization_service_pb";
import { Role } from "~/api/gen/sartiq/identity/v1/role_pb";
import { SessionTokensSchema, type SessionTokens } from "~/api/gen/sartiq/identity/v1/session_pb";
import { SessionService } from "~/api/gen/sartiq/identity/v1/session_service_pb";
import { UserService } from "~/api/gen/sartiq/identity/v1/user_service_pb";
import { uuid } from "~/lib/uuid";
import { db, find, page, refusal } from "./db";

const organization = { id: "0190f000-0000-7000-8000-000000000001", name: "Atelier Nord", createTime: timestampNow() };
export const me = { id: "0190f000-0000-7000-8000-000000000002", email: "ana@sartiq.example", name: "Ana Demo", createTime: timestampNow() };

for (const [id, name, role] of [[me.id, me.name, Role.OWNER], [uuid(), "Ben Weber", Role.EDITOR], [uuid(), "Chiara Rossi", Role.REVIEWER]] as const) {
  const email = `${name.split(" ")[0]!.toLowerCase()}@sartiq.example`;
  db.members.set(id, create(MemberSchema, { userId: id, name, email, role, createTime: timestampNow() }));
}

export function tokens(): SessionTokens {
  return create(SessionTokensSchema, {
    accessToken: "memory", accessExpireTime: timestampFromMs(Date.now() + 900_000), refreshToken: "memory",
    sessionId: "memory", organizationId: organization.id, role: Role.OWNER,
  });
}

export function identity(router: ConnectRouter): void {
  router.service(AuthService, {
    // Any address signs in; the password `wrong` is the one that is.
    login: ({ password }) => {
      if (password === "wrong") throw refusal(Code.Unauthenticated, "INVALID_CREDENTIALS", "the address or the password is wrong");
      return { user: me, tokens: tokens() };
    },
    signUp: ({ name, email }) => {
      Object.assign(me, { name, email });
      return { user: me, organization, tokens: tokens() };
    },
    refresh: () => ({ tokens: tokens() }),
    logout: () => ({}),
  });
  router.service(UserService, {
    getMe: () => ({ user: me, organizationId: organization.id, role: Role.OWNER }),
    updateMe: ({ name }) => ({ user: Object.assign(me, { name }) }),
  });
  router.service(OrganizationService, {
    listOrganizations: () => ({ organizations: [organization] }),
    getOrganization: () => ({ organization, role: Role.OWNER }),
    updateOrganization: ({ name }) => ({ organization: Object.assign(organization, { name }) }),
    switchOrganization: () => ({ tokens: tokens() }),
  });
  router.service(MemberService, {
    listMembers: (request) => {
      const { items, nextPageToken } = page([...db.members.values()], request);
      return { members: items, nextPageToken };
    },
    inviteMember: ({ email, role }) => ({ invitation: { id: uuid(), email, role }, token: uuid() }),
    acceptInvitation: () => ({ organizationId: organization.id, role: Role.EDITOR }),
    updateMemberRole: ({ userId, role }) => ({ member: Object.assign(find(db.members, userId, "member"), { role }) }),
    removeMember: ({ userId }) => {
      db.members.delete(userId);
      return {};
    },
  });
  router.service(SessionService, {
    listSessions: () => ({ sessions: [{ id: "memory", device: "This browser", createTime: timestampNow(), refreshTime: timestampNow(), current: true }] }),
    revokeSession: () => ({}),
  });
}
