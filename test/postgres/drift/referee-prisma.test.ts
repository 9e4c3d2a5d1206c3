import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { checkDrift } from "../../../src/postgres/drift/check-drift.ts";
import { openPrismaEngine } from "../../support/prisma-engine.ts";
import { testScratch } from "../../support/scratch.ts";
import { openDriftWorld } from "./world.ts";

const SCHEMA = `datasource db {
  provider = "postgresql"
}
enum Role {
  MEMBER
  ADMIN
}
model User {
  id    Int    @id @default(autoincrement())
  email String @unique
  role  Role   @default(MEMBER)
  posts Post[]
}
model Post {
  id       Int    @id @default(autoincrement())
  title    String
  authorId Int
  author   User   @relation(fields: [authorId], references: [id])
  @@index([authorId])
}
`;

/** What Prisma writes for that schema. */
const MIGRATION = `CREATE TYPE "Role" AS ENUM ('MEMBER', 'ADMIN');
CREATE TABLE "User" ("id" SERIAL NOT NULL, "email" TEXT NOT NULL, "role" "Role" NOT NULL DEFAULT 'MEMBER',
  CONSTRAINT "User_pkey" PRIMARY KEY ("id"));
CREATE TABLE "Post" ("id" SERIAL NOT NULL, "title" TEXT NOT NULL, "authorId" INTEGER NOT NULL,
  CONSTRAINT "Post_pkey" PRIMARY KEY ("id"));
CREATE UNIQUE INDEX "User_email_key" ON "User"("email");
CREATE INDEX "Post_authorId_idx" ON "Post"("authorId");
ALTER TABLE "Post" ADD CONSTRAINT "Post_authorId_fkey" FOREIGN KEY ("authorId") REFERENCES "User"("id")
  ON DELETE RESTRICT ON UPDATE CASCADE;
`;

/** A change by hand, and how it is taken back. */
const CHANGES: [change: string, back: string][] = [
  [`alter table "User" add column age int`, `alter table "User" drop column age`],
  [`alter table "Post" alter title drop not null`, `alter table "Post" alter title set not null`],
  [`drop index "Post_authorId_idx"`, `create index "Post_authorId_idx" on "Post" ("authorId")`],
  [`create table stray (id int primary key)`, `drop table stray`],
  [
    `alter table "Post" drop constraint "Post_authorId_fkey"`,
    `alter table "Post" add constraint "Post_authorId_fkey" foreign key ("authorId") references "User" (id) on delete restrict on update cascade`,
  ],
];

it(
  "agrees with Prisma's schema engine on a clean database and on every drifted one",
  { timeout: 30_000 },
  async () => {
    const directory = await mkdtemp(join(tmpdir(), "tminus-prisma-drift-"));
    await using world = await openDriftWorld();
    try {
      await mkdir(join(directory, "20260101000000_first"));
      await writeFile(join(directory, "migration_lock.toml"), 'provider = "postgresql"\n');
      await writeFile(join(directory, "20260101000000_first/migration.sql"), MIGRATION);
      await using engine = await openPrismaEngine(directory, world.url);
      expect(await engine.deploy()).toMatchObject({ ok: true });
      const both = async (): Promise<{ ours: boolean; theirs: boolean }> => {
        const outcome = await checkDrift({
          connectionString: world.url,
          directory,
          format: "auto",
          expected: "files",
          ignore: [],
          exclude: [],
          scratch: testScratch,
          signal: new AbortController().signal,
          progress: () => undefined,
        });
        if (outcome.state === "unknown") throw new Error(outcome.reason);
        return { ours: outcome.drift.length > 0, theirs: (await engine.diff(SCHEMA)).differs };
      };
      expect(await both()).toEqual({ ours: false, theirs: false });
      for (const [change, back] of CHANGES) {
        await world.run(change);
        expect(await both(), change).toEqual({ ours: true, theirs: true });
        await world.run(back);
        expect(await both(), back).toEqual({ ours: false, theirs: false });
      }
      // Prisma has no word for these; tminus sees them.
      await world.run(`alter table "User" enable row level security`);
      expect(await both()).toEqual({ ours: true, theirs: false });
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  },
);
