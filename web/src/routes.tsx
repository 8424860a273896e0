import { lazy, Suspense, useEffect, type ComponentType } from "react";
import { Navigate, Outlet, Route, Routes, useLocation } from "react-router";
import { useQueryClient } from "@tanstack/react-query";
import { session } from "./api/session";
import { Boundary } from "./components/boundary";
import { Page } from "./components/page";
import { Shell } from "./components/shell";
import { NotFound, SkeletonGrid } from "./components/state";
import { Toasts } from "./components/toast";
import { useStore } from "./lib/store";
import { resume } from "./pages/generator/start";
import { paths } from "./paths";

/** The other pages are loaded this long after the first one. */
const AHEAD_MS = 2_000;
const loads: (() => Promise<unknown>)[] = [];

/** A page that is loaded when it is first shown, or when there is nothing else to do. */
function screen(load: () => Promise<{ default: ComponentType }>) {
  loads.push(load);
  return lazy(load);
}

const Login = screen(() => import("./pages/account/login"));
const SignUp = screen(() => import("./pages/account/signup"));
const Invite = screen(() => import("./pages/account/invite"));
const Home = screen(() => import("./pages/home/show"));
const Products = screen(() => import("./pages/products/list"));
const Product = screen(() => import("./pages/products/show"));
const Subjects = screen(() => import("./pages/subjects/list"));
const Subject = screen(() => import("./pages/subjects/show"));
const Library = screen(() => import("./pages/library/show"));
const Shootings = screen(() => import("./pages/shootings/list"));
const Shooting = screen(() => import("./pages/shootings/show"));
const Looks = screen(() => import("./pages/shootings/looks"));
const Generator = screen(() => import("./pages/generator/show"));
const ReviewInbox = screen(() => import("./pages/review/inbox"));
const Review = screen(() => import("./pages/review/show"));
const Deliver = screen(() => import("./pages/deliver/list"));
const Targets = screen(() => import("./pages/deliver/targets"));
const Export = screen(() => import("./pages/deliver/show"));
const Queue = screen(() => import("./pages/queue/list"));
const Run = screen(() => import("./pages/queue/run"));
const Settings = screen(() => import("./pages/settings/show"));

export function App() {
  return (
    <>
      <Routes>
        <Route element={<Bare />}>
          <Route path="/login" element={<Login />} />
          <Route path="/signup" element={<SignUp />} />
          <Route path="/invite/:token" element={<Invite />} />
        </Route>
        <Route element={<SignedIn />}>
          <Route index element={<Home />} />
          <Route path="products" element={<Products />} />
          <Route path="products/:id" element={<Product />} />
          <Route path="subjects" element={<Subjects />} />
          <Route path="subjects/:id" element={<Subject />} />
          <Route path="library" element={<Navigate to={paths.library()} replace />} />
          <Route path="library/:kind" element={<Library />} />
          <Route path="shootings" element={<Shootings />} />
          <Route path="shootings/:id" element={<Shooting />} />
          <Route path="shootings/:id/looks" element={<Looks />} />
          <Route path="shootings/:id/generate" element={<Generator />} />
          <Route path="shootings/:id/review" element={<Review />} />
          <Route path="generator" element={<Generator />} />
          <Route path="review" element={<ReviewInbox />} />
          <Route path="deliver" element={<Deliver />} />
          <Route path="deliver/targets" element={<Targets />} />
          <Route path="deliver/:id" element={<Export />} />
          <Route path="queue" element={<Queue />} />
          <Route path="runs/:id" element={<Run />} />
          <Route path="settings" element={<Navigate to={paths.settings()} replace />} />
          <Route path="settings/:page" element={<Settings />} />
          <Route path="*" element={<Page title="Not found"><NotFound /></Page>} />
        </Route>
      </Routes>
      <Toasts />
    </>
  );
}

/** Pages without the shell, for whoever is not signed in. */
function Bare() {
  return (
    <main className="grid min-h-dvh place-items-center p-4">
      <Suspense fallback={null}>
        <Outlet />
      </Suspense>
    </main>
  );
}

/** Pages of the app. Whoever is not signed in comes back to them after signing in. */
function SignedIn() {
  const present = useStore(session);
  const cache = useQueryClient();
  const { pathname, search } = useLocation();
  const organization = present?.organizationId;
  useEffect(() => {
    const timer = setTimeout(() => loads.forEach((load) => void load().catch(() => undefined)), AHEAD_MS);
    return () => clearTimeout(timer);
  }, []);
  // Nothing of one organization or user is shown to another.
  useEffect(() => () => cache.clear(), [cache, organization, present?.id]);
  useEffect(() => {
    if (present) resume();
  }, [present?.id]);
  if (!present) return <Navigate to={paths.login(pathname + search)} replace />;
  return (
    <Shell key={organization}>
      <Boundary key={pathname}>
        <Suspense fallback={<div className="p-5"><SkeletonGrid what="the page" /></div>}>
          <Outlet />
        </Suspense>
      </Boundary>
    </Shell>
  );
}
