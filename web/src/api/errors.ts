import { Code, ConnectError } from "@connectrpc/connect";
import { durationMs } from "@bufbuild/protobuf/wkt";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "./gen/google/rpc/error_details_pb";
import { SENTENCES } from "./sentences";

/** What went wrong, in words, and what may be done about it. */
export interface Problem {
  /** What happened, and why. */
  message: string;
  /** What to do next. */
  hint: string;
  /** The reason in a word that programs may compare; empty if none was given. */
  reason: string;
  /** What is wrong with which field: `product.name` to a sentence. */
  fields: Record<string, string>;
  /** What to tell whoever is asked for help. */
  requestId: string;
  isNotFound: boolean;
  isRetryable: boolean;
}

/** The reason of the ErrorInfo that `error` carries. */
export function reasonOf(error: unknown): string {
  return ConnectError.from(error).findDetails(ErrorInfoSchema)[0]?.reason ?? "";
}

/** Whether the network failed, not the server. */
function isNetwork(error: ConnectError): boolean {
  return error.cause instanceof TypeError || /failed to fetch|network|load failed/i.test(error.rawMessage);
}

export function isTransient(error: unknown): boolean {
  const problem = ConnectError.from(error);
  return problem.code === Code.Unavailable || isNetwork(problem) || reasonOf(problem) === "RATE_LIMITED";
}

/** How long to wait before the next attempt: as the server says, or exponentially with jitter. */
export function retryDelay(error: unknown, attempt: number): number {
  const told = ConnectError.from(error).findDetails(RetryInfoSchema)[0]?.retryDelay;
  const own = 250 * 2 ** attempt * (0.5 + Math.random());
  return Math.min(told ? durationMs(told) : own, 5_000);
}

export function problemOf(error: unknown): Problem {
  const problem = ConnectError.from(error);
  const info = problem.findDetails(ErrorInfoSchema)[0];
  const reason = info?.reason ?? "";
  const violations = problem.findDetails(BadRequestSchema).flatMap((it) => it.fieldViolations);
  const [message, hint] = SENTENCES[reason] ?? fallback(problem);
  return {
    message: message || sentence(reason === "STATE_CONFLICT" ? stateOf(problem.rawMessage) : problem.rawMessage),
    hint,
    reason,
    fields: Object.fromEntries(violations.map((it) => [camel(it.field), sentence(it.description)])),
    requestId: info?.metadata["request_id"] ?? problem.metadata.get("x-request-id") ?? "",
    isNotFound: problem.code === Code.NotFound,
    isRetryable: isTransient(problem) || problem.code === Code.DeadlineExceeded || problem.code === Code.Internal,
  };
}

function fallback(problem: ConnectError): [string, string] {
  if (!navigator.onLine) return ["You are offline.", "It goes on as soon as the network is back."];
  if (isNetwork(problem)) return ["The server cannot be reached.", "Check the connection, then try again."];
  switch (problem.code) {
    case Code.DeadlineExceeded: return ["The server took too long to answer.", "Try again; nothing is done twice."];
    case Code.Unavailable: return ["The service is not available at the moment.", "Try again in a moment."];
    case Code.PermissionDenied: return ["Your role does not allow this.", "Ask an owner or admin of the organization."];
    case Code.Unauthenticated: return ["You are not signed in any more.", "Sign in again."];
    case Code.Internal: case Code.Unknown:
      return ["Something went wrong on our side.", "Try again; if it stays, report the request id."];
    default: return ["", ""];
  }
}

/** What a server says in passing, as a sentence of its own. */
export function sentence(text: string): string {
  const start = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(start) ? start : `${start}.`;
}

/** `the shot is to_review; from there …` to `the shot is to review`: what may follow is for programs. */
const stateOf = (text: string) => text.split(";")[0]!.replaceAll("_", " ");

/** `product.garment_kind` to `product.garmentKind`: fields as forms name them. */
function camel(path: string): string {
  return path.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
