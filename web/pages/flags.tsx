import { Panel, Quiet, Title } from "../parts/text.tsx";

export function Flags() {
  return (
    <>
      <Title>Flags</Title>
      <Panel title="Feature flags" aside="read-only">
        <Quiet>No flags are configured, and tminus cannot change any yet.</Quiet>
      </Panel>
    </>
  );
}
