import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { MethodOptions_IdempotencyLevel as Idempotency } from "@bufbuild/protobuf/wkt";
import { uuid } from "~/lib/uuid";
import { isTransient, reasonOf, retryDelay } from "./errors";
import { accessToken, isRevoked, renew } from "./session";

/** Calls that need no token, and would be called in a circle if they waited for one. */
const OPEN = new Set(["SignUp", "Login", "Refresh"]);

/** Gives each call an id to find it by, here and in the services' logs and traces. */
const name: Interceptor = (next) => async (request) => {
  const id = uuid();
  request.header.set("x-request-id", id);
  request.header.set("traceparent", `00-${id.replaceAll("-", "")}-${id.slice(-12)}0001-01`);
  try {
    return await next(request);
  } catch (error) {
    const problem = ConnectError.from(error);
    if (!problem.metadata.has("x-request-id")) problem.metadata.set("x-request-id", id);
    throw problem;
  }
};

/** Repeats what may be repeated: reads, and writes that carry a request id. */
const retry: Interceptor = (next) => async (request) => {
  const isSafe = request.method.idempotency !== Idempotency.IDEMPOTENCY_UNKNOWN;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await next(request);
    } catch (error) {
      const isOver = request.stream || !isSafe || attempt === 3 || request.signal.aborted;
      if (isOver || !isTransient(error) || !navigator.onLine) throw error;
      await new Promise((resolve) => setTimeout(resolve, retryDelay(error, attempt)));
    }
  }
};

/** Adds the token of the session, and a fresh one if it is refused. */
const sign: Interceptor = (next) => async (request) => {
  if (OPEN.has(request.method.name)) return next(request);
  const token = await accessToken();
  request.header.set("authorization", `Bearer ${token}`);
  try {
    return await next(request);
  } catch (error) {
    const isStale = ConnectError.from(error).code === Code.Unauthenticated && !request.stream;
    if (!isStale || isRevoked(reasonOf(error))) throw error;
    request.header.set("authorization", `Bearer ${await renew(token)}`);
    return next(request);
  }
};

/** The first is the outermost. */
export const interceptors: Interceptor[] = [name, retry, sign];
