import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createStore } from "~/lib/store";
import { reasonOf } from "./errors";
import { EventService, SubscribeResponseSchema, type SubscribeResponse } from "./gen/sartiq/event/v1/event_service_pb";
import { accessToken, renew, session } from "./session";
import { handle, missed } from "./dispatch";
import { DEADLINE_MS, transport } from "./transport";

/** How the live stream of this browser does. */
export type Connection = "connecting" | "live" | "polling" | "reconnecting" | "offline";

/** The server says something every 15 seconds; after this long without a word it is gone. */
const SILENCE_MS = 40_000;
const LONGEST_WAIT_MS = 20_000;
/** After so many streams that brought nothing, events are asked for instead. */
const STREAMS_BEFORE_POLL = 3;
/** Then a stream is tried again after this long, and twice as long each time, up to the longest. */
const SHORTEST_POLL_MS = 3_000;
const LONGEST_POLL_MS = 60_000;

type Word =
  | { kind: "message"; bytes: Uint8Array }
  | { kind: "state"; state: Connection; cursor: string }
  | { kind: "missed" }
  | { kind: "hello" }
  | { kind: "kick" };

export const connection = createStore<Connection>("connecting");
const events = createClient(EventService, transport);

/**
 * Follows the events of one organization. Of all tabs of the browser one holds the stream and tells the others;
 * when it closes, the next one goes on from the last cursor that it was told.
 */
class Follower {
  private cursor = "";
  private readonly end = new AbortController();
  private readonly tabs: BroadcastChannel;
  private isLeader = false;
  /** How many streams in a row brought nothing. */
  private failures = 0;
  private pollFor = SHORTEST_POLL_MS;
  private token: string | undefined;
  private wake: () => void = () => undefined;
  private attempt = new AbortController();
  /** The next attempt does not wait. */
  private isHurried = false;

  constructor(private readonly name: string) {
    this.tabs = new BroadcastChannel(name);
    this.tabs.onmessage = ({ data }: MessageEvent<Word>) => this.hear(data);
    const { signal } = this.end;
    const kick = () => {
      if (document.visibilityState === "hidden") return;
      if (this.isLeader) this.hurry();
      else if (connection.get() !== "live") this.say({ kind: "kick" });
    };
    window.addEventListener("online", () => this.isLeader && this.startOver(), { signal });
    window.addEventListener("focus", kick, { signal });
    document.addEventListener("visibilitychange", kick, { signal });
    window.addEventListener("offline", () => this.tell("offline"), { signal });
    this.say({ kind: "hello" });
    void this.queue();
  }

  stop(): void {
    this.end.abort();
    this.wake();
    this.tabs.close();
    connection.set("connecting");
  }

  private async queue(): Promise<void> {
    const lead = async () => {
      this.isLeader = true;
      await this.lead();
    };
    if (!navigator.locks) return lead();
    await navigator.locks.request(this.name, { signal: this.end.signal }, lead).catch(() => undefined);
  }

  private say(word: Word): void {
    if (!this.end.signal.aborted) this.tabs.postMessage(word);
  }

  private tell(state: Connection): void {
    connection.set(state);
    if (this.isLeader) this.say({ kind: "state", state, cursor: this.cursor });
  }

  private hear(word: Word): void {
    switch (word.kind) {
      case "message": return this.take(fromBinary(SubscribeResponseSchema, word.bytes));
      case "missed": return missed();
      case "hello": return this.isLeader ? this.tell(connection.get()) : undefined;
      case "kick": return this.isLeader ? this.hurry() : undefined;
      case "state":
        this.cursor ||= word.cursor;
        return connection.set(word.state);
    }
  }

  private take(message: SubscribeResponse): void {
    this.cursor = message.cursor;
    if (message.message.case === "event") handle(message.message.value);
  }

  /** Somebody looks, or the network is back: there is no reason to wait any longer. */
  private hurry(): void {
    if (connection.get() === "live") return;
    this.failures = Math.min(this.failures, 1);
    this.wake();
  }

  /** The network is another one: what was begun on the old one may never end, though nobody says so. */
  private startOver(): void {
    this.isHurried = true;
    this.failures = 0;
    this.attempt.abort();
    this.wake();
  }

  private async lead(): Promise<void> {
    while (!this.end.signal.aborted) {
      this.isHurried = false;
      try {
        if (this.failures > STREAMS_BEFORE_POLL) await this.poll();
        await this.stream();
        // The server ended the stream, as it does now and then: on with the next one at once.
        continue;
      } catch (error) {
        if (this.end.signal.aborted) return;
        await this.recover(error);
      }
      this.tell(navigator.onLine ? "reconnecting" : "offline");
      if (this.isHurried) continue;
      // Without a network there is nothing to try, unless the browser is wrong about it.
      const pause = navigator.onLine ? 300 * 2 ** (this.failures - 1) : LONGEST_WAIT_MS;
      await this.wait(Math.min(pause, LONGEST_WAIT_MS) * (0.5 + Math.random()));
    }
  }

  private async recover(error: unknown): Promise<void> {
    this.failures += 1;
    if (["CURSOR_EXPIRED", "FIELD_INVALID"].includes(reasonOf(error))) {
      // What happened since is not remembered: everything that is shown is read afresh.
      this.cursor = "";
    } else if (ConnectError.from(error).code === Code.Unauthenticated) {
      // Where the session is over, this forgets it, and so ends this follower.
      await renew(this.token).catch(() => undefined);
    }
  }

  /** Follows one stream to its end. Fails if that is not the end that the server chose. */
  private async stream(): Promise<void> {
    const isNew = this.cursor === "";
    const abort = new AbortController();
    this.attempt = abort;
    const cut = () => abort.abort();
    this.end.signal.addEventListener("abort", cut);
    let timer = setTimeout(cut, DEADLINE_MS / 2);
    let said = false;
    try {
      this.token = await accessToken();
      for await (const message of events.subscribe({ cursor: this.cursor }, { signal: abort.signal, timeoutMs: 0 })) {
        clearTimeout(timer);
        timer = setTimeout(cut, SILENCE_MS);
        this.take(message);
        this.say({ kind: "message", bytes: toBinary(SubscribeResponseSchema, message) });
        if (said) continue;
        said = true;
        this.failures = 0;
        this.pollFor = SHORTEST_POLL_MS;
        this.tell("live");
        if (isNew) this.forgetWhatIsShown();
      }
    } finally {
      clearTimeout(timer);
      this.end.signal.removeEventListener("abort", cut);
    }
    if (!said) throw new ConnectError("the stream brought nothing", Code.Unavailable);
  }

  /** Asks for events for a while, where no stream comes through. */
  private async poll(): Promise<void> {
    const end = Date.now() + this.pollFor;
    this.pollFor = Math.min(this.pollFor * 2, LONGEST_POLL_MS);
    while (Date.now() < end && STREAMS_BEFORE_POLL < this.failures && !this.end.signal.aborted) {
      const isNew = this.cursor === "";
      this.attempt = new AbortController();
      const { events: found, cursor } = await events.poll({ cursor: this.cursor }, { timeoutMs: SILENCE_MS, signal: this.attempt.signal });
      this.cursor = cursor;
      this.tell("polling");
      for (const value of found) {
        const message = create(SubscribeResponseSchema, { cursor, message: { case: "event", value } });
        handle(value);
        this.say({ kind: "message", bytes: toBinary(SubscribeResponseSchema, message) });
      }
      if (isNew) this.forgetWhatIsShown();
      await this.wait(1_000);
    }
  }

  private forgetWhatIsShown(): void {
    missed();
    this.say({ kind: "missed" });
  }

  private wait(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

let follower: Follower | undefined;
let followed = "";

/** Follows whoever is signed in, from now on. */
export function follow(): void {
  const change = () => {
    const present = session.get();
    const name = present ? `sartiq.events.${present.organizationId}.${present.id}` : "";
    if (name === followed) return;
    followed = name;
    follower?.stop();
    follower = name ? new Follower(name) : undefined;
  };
  session.subscribe(change);
  change();
}
