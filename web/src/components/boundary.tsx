import { Component, type ReactNode } from "react";
import { RefreshCw } from "lucide-react";
import { Button } from "~/ui/button";
import { Empty } from "./state";

/** Keeps a mistake in one page from taking the others down. */
export class Boundary extends Component<{ children: ReactNode }, { error: Error | undefined }> {
  override state = { error: undefined };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    const { error } = this.state as { error: Error | undefined };
    if (!error) return this.props.children;
    // The parts of a version that was replaced are gone: the new one is a reload away.
    const isOld = /dynamically imported module|importing a module/i.test(error.message);
    return (
      <div className="p-5">
        <Empty
          icon={RefreshCw}
          title={isOld ? "There is a new version" : "This page has failed"}
          action={<Button look="primary" onClick={() => window.location.reload()}>Reload</Button>}
        >
          {isOld ? "Reload to go on; nothing is lost." : `Reload to try again. What it said: ${error.message}`}
        </Empty>
      </div>
    );
  }
}
