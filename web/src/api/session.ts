import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { createStore } from "~/lib/store";
import { AuthService } from "./gen/sartiq/identity/v1/auth_service_pb";
import type { Role } from "./gen/sartiq/identity/v1/role_pb";
import type { SessionTokens } from "./gen/sartiq/identity/v1/session_pb";
import { transport } from "./transport";

/** Who is signed in, as every tab of this browser knows it. */
export interface Session {
  id: string;
  organizationId: string;
  role: Role;
  refreshToken: string;
}

const KEY = "sartiq.session";
const LOCK = "sartiq.refresh";
/** A token is renewed this long before it ends, so that none ends on its way. */
const MARGIN_MS = 30_000;

export const auth = createClient(AuthService, transport);
export const session = createStore<Session | undefined>(read());

/** Only in memory: what reads the storage finds no token that opens anything by itself. */
let access: { token: string; until: number } | undefined;
let renewing: Promise<string> | undefined;
const tabs = new BroadcastChannel("sartiq.session");

function read(): Session | undefined {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "null") ?? undefined;
  } catch {
    return undefined;
  }
}

tabs.onmessage = ({ data }: MessageEvent<typeof access>) => {
  access = data;
};
window.addEventListener("storage", ({ key }) => {
  if (key !== KEY && key !== null) return;
  const next = read();
  if (next?.id !== session.get()?.id || next?.organizationId !== session.get()?.organizationId) access = undefined;
  session.set(next);
});

export function signIn(tokens: SessionTokens): string {
  access = { token: tokens.accessToken, until: tokens.accessExpireTime ? timestampDate(tokens.accessExpireTime).getTime() : 0 };
  const next: Session = {
    id: tokens.sessionId, organizationId: tokens.organizationId, role: tokens.role, refreshToken: tokens.refreshToken,
  };
  localStorage.setItem(KEY, JSON.stringify(next));
  tabs.postMessage(access);
  session.set(next);
  return tokens.accessToken;
}

/** Forgets the session in all tabs. */
export function forget(): void {
  access = undefined;
  localStorage.removeItem(KEY);
  session.set(undefined);
}

export async function signOut(): Promise<void> {
  // Whoever leaves, leaves, even if nobody can be told.
  await auth.logout({}).catch(() => undefined);
  forget();
}

/** A token that is good for now. */
export async function accessToken(): Promise<string> {
  if (access && Date.now() < access.until - MARGIN_MS) return access.token;
  return renew(access?.token);
}

/** A token other than `stale`. Of all tabs one asks for it. */
export function renew(stale: string | undefined): Promise<string> {
  renewing ??= alone(() => refresh(stale)).finally(() => (renewing = undefined));
  return renewing;
}

async function alone<T>(work: () => Promise<T>): Promise<T> {
  // Locks are there on secure origins alone.
  return navigator.locks ? await navigator.locks.request(LOCK, work) : await work();
}

async function refresh(stale: string | undefined): Promise<string> {
  if (access && access.token !== stale && Date.now() < access.until - MARGIN_MS) return access.token;
  const present = read();
  if (!present) throw new ConnectError("sign in first", Code.Unauthenticated);
  try {
    const { tokens } = await auth.refresh({ refreshToken: present.refreshToken });
    if (read()?.id !== present.id) throw new ConnectError("sign in first", Code.Unauthenticated);
    return signIn(tokens!);
  } catch (error) {
    const isOver = ConnectError.from(error).code === Code.Unauthenticated;
    if (isOver && read()?.refreshToken === present.refreshToken) forget();
    throw error;
  }
}

/** Whether `reason` says that no refresh can help. */
export function isRevoked(reason: string): boolean {
  return reason === "INVALID_CREDENTIALS" || reason === "USER_MISSING";
}
