import { LocationProvider, Route, Router } from "preact-iso/router";
import { useEffect } from "preact/hooks";
import { startLive } from "./state/live.ts";
import { session, sessionProblem, who } from "./state/session.ts";
import { Calendar } from "./pages/calendar.tsx";
import { Database } from "./pages/database.tsx";
import { Flags } from "./pages/flags.tsx";
import { Insights } from "./pages/insights.tsx";
import { Now } from "./pages/now.tsx";
import { PlanPage } from "./pages/plan.tsx";
import { RunPage } from "./pages/run/run.tsx";
import { Runs } from "./pages/runs.tsx";
import { Settings } from "./pages/settings.tsx";
import { SetUp } from "./pages/set-up.tsx";
import { SignIn } from "./pages/sign-in.tsx";
import { Problem, Quiet, Title } from "./parts/text.tsx";
import { Shell } from "./shell.tsx";

/** What is shown depends on who has signed in, then on the address. */
export function App() {
  const name = who.value?.name;
  useEffect(() => {
    if (name === undefined) return undefined;
    const ending = new AbortController();
    startLive(ending.signal);
    return () => ending.abort();
  }, [name]);
  if (session.value === undefined)
    return (
      <main class="alone">
        {sessionProblem.value === undefined ? <Quiet>…</Quiet> : <Problem error={sessionProblem.value} />}
      </main>
    );
  if (name === undefined) return session.value.isSetUp ? <SignIn /> : <SetUp />;
  return (
    <LocationProvider>
      <Shell>
        <Router>
          <Route path="/" component={Now} />
          <Route path="/setup" component={Now} />
          <Route path="/runs" component={Runs} />
          <Route path="/runs/:id" component={RunPage} />
          <Route path="/plan" component={PlanPage} />
          <Route path="/database" component={Database} />
          <Route path="/flags" component={Flags} />
          <Route path="/calendar" component={Calendar} />
          <Route path="/insights" component={Insights} />
          <Route path="/settings" component={Settings} />
          <Route default component={Unknown} />
        </Router>
      </Shell>
    </LocationProvider>
  );
}

function Unknown() {
  return (
    <>
      <Title>No such page</Title>
      <Quiet>
        There is nothing at this address. <a href="/">Now</a>
      </Quiet>
    </>
  );
}
