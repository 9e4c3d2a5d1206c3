import { backupFresh } from "./backup-fresh.ts";
import { bundleSize } from "./bundle-size.ts";
import { ciChecks } from "./ci-checks.ts";
import { command } from "./command.ts";
import { dbDrift } from "./db-drift.ts";
import type { AnyGateKind } from "./define.ts";
import { dependenciesAudit } from "./dependencies-audit.ts";
import { dependenciesLockfile } from "./dependencies-lockfile.ts";
import { envVariables } from "./env-variables.ts";
import { gitBranch } from "./git-branch.ts";
import { gitClean } from "./git-clean.ts";
import { gitMigrationsCommitted } from "./git-migrations-committed.ts";
import { gitPushed } from "./git-pushed.ts";
import { gitSigned } from "./git-signed.ts";
import { gitUpToDate } from "./git-up-to-date.ts";
import { reviewApprovals } from "./review-approvals.ts";
import { secretsAge } from "./secrets-age.ts";
import { secretsEnvFiles } from "./secrets-env-files.ts";
import { secretsTree } from "./secrets-tree.ts";
import { signalsAnswer } from "./signals-answer.ts";
import { stagingVerified } from "./staging-verified.ts";
import { targetAnswers } from "./target-answers.ts";
import { tlsCertificate } from "./tls-certificate.ts";
import { urlHeaders } from "./url-headers.ts";
import { urlHealthy } from "./url-healthy.ts";

/** Every gate kind that a runbook may name. A new kind adds its line. */
export const gateKinds: Readonly<Record<string, AnyGateKind>> = {
  "backup.fresh": backupFresh,
  "bundle.size": bundleSize,
  "ci.checks": ciChecks,
  command,
  "db.drift": dbDrift,
  "dependencies.audit": dependenciesAudit,
  "dependencies.lockfile": dependenciesLockfile,
  "env.variables": envVariables,
  "git.branch": gitBranch,
  "git.clean": gitClean,
  "git.migrations-committed": gitMigrationsCommitted,
  "git.pushed": gitPushed,
  "git.signed": gitSigned,
  "git.up-to-date": gitUpToDate,
  "review.approvals": reviewApprovals,
  "secrets.age": secretsAge,
  "secrets.env-files": secretsEnvFiles,
  "secrets.tree": secretsTree,
  "signals.answer": signalsAnswer,
  "staging.verified": stagingVerified,
  "target.answers": targetAnswers,
  "tls.certificate": tlsCertificate,
  "url.headers": urlHeaders,
  "url.healthy": urlHealthy,
};
