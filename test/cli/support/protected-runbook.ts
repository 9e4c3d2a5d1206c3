/** A runbook whose one environment, production, is protected and has the database DB. */
export const PROTECTED_RUNBOOK = `version: 1
project: shop
environments:
  production:
    url: http://127.0.0.1:4080
    protected: true
    target: { kind: local, port: 4080, directory: "releases/{release}", command: [node, server.mjs] }
    database: { url: "env:DB" }
stages:
  - id: release
    risk: medium
    steps:
      - { id: deploy, kind: app.deploy }
`;
