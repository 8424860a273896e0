import { createServer, connect, type Server, type Socket } from "node:net";
import type { AddressInfo } from "node:net";

/** A wire between a browser and the gateway that can be cut. */
export class Wire {
  private readonly streams = new Set<Socket>();
  private readonly sockets = new Set<Socket>();
  /** How many event streams were cut. */
  cuts = 0;

  private constructor(private readonly server: Server) {}

  static async lay(): Promise<Wire> {
    const { hostname, port } = new URL(process.env.GATEWAY_URL!);
    const server = createServer();
    const wire = new Wire(server);
    server.on("connection", (near) => {
      const far = connect(Number(port), hostname);
      wire.sockets.add(near);
      near.on("data", (bytes) => {
        // One connection carries one stream until that ends.
        if (bytes.includes("EventService/Subscribe")) wire.streams.add(near);
      });
      near.pipe(far).pipe(near);
      const end = () => {
        wire.streams.delete(near);
        wire.sockets.delete(near);
        near.destroy();
        far.destroy();
      };
      for (const socket of [near, far]) socket.on("error", end).on("close", end);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return wire;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  get isStreaming(): boolean {
    return this.streams.size > 0;
  }

  /** Cuts the event stream, and nothing else. */
  cut(): void {
    for (const socket of [...this.streams]) {
      this.cuts += 1;
      this.streams.delete(socket);
      socket.destroy();
    }
  }

  take(): void {
    for (const socket of [...this.sockets]) socket.destroy();
    this.server.close();
  }
}
