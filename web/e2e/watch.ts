import type { Page, Request } from "playwright-core";

interface Complaint { text: string; time: number }

/** Listens to pages for what must not happen: errors in the console, and requests that fail. */
export class Watch {
  private readonly heard: Complaint[] = [];
  private readonly explained: RegExp[] = [];

  /** What fits `pattern` is meant to happen in this story. */
  expect(...patterns: RegExp[]): void {
    this.explained.push(...patterns);
  }

  on(page: Page): void {
    const note = (text: string) => this.heard.push({ text, time: Date.now() });
    page.on("console", (message) => {
      if (message.type() === "error") note(`console: ${message.text()} (${message.location().url})`);
    });
    page.on("pageerror", (error) => note(`thrown: ${error.stack ?? error.message}`));
    page.on("requestfailed", (request) => {
      const reason = request.failure()?.errorText ?? "";
      // What nobody waits for any more is given up: streams, and pictures of a page that was left.
      if (reason !== "net::ERR_ABORTED") note(`request: ${named(request)}: ${reason}`);
    });
    page.on("response", (response) => {
      const status = response.headers()["grpc-status"];
      const isRefused = status !== undefined && status !== "0";
      if (response.status() >= 400) note(`answer: ${named(response.request())}: ${response.status()}`);
      else if (isRefused) note(`answer: ${named(response.request())}: grpc ${status} ${decodeURIComponent(response.headers()["grpc-message"] ?? "")}`);
    });
  }

  complaints(): string[] {
    return this.heard.map((it) => it.text).filter((it) => !this.explained.some((pattern) => pattern.test(it)));
  }
}

function named(request: Request): string {
  return `${request.method()} ${request.url().split("?")[0]}`;
}
