import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { BrowserRouter } from "react-router";
import { cache, keepFresh } from "./api/cache";
import { follow } from "./api/live";
import { useInstead } from "./api/transport";
import { App } from "./routes";
import "./styles.css";

if (import.meta.env.VITE_API === "memory") {
  const { memory } = await import("../mock");
  useInstead(memory());
}
keepFresh();
follow();

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <QueryClientProvider client={cache}>
      {/* A key is answered on what the key before it has left: moving on is never put off. */}
      <BrowserRouter useTransitions={false}>
        <App />
      </BrowserRouter>
    </QueryClientProvider>
  </StrictMode>,
);
