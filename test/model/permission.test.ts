import { describe, expect, it } from "vitest";
import { uncheckedActor, type Actor } from "../../src/model/actor.ts";
import { permissionOf, whyMayNot, whyNotPermitted, type Verb } from "../../src/model/permission.ts";
import { roles, type Role } from "../../src/model/role.ts";

const verbs = Object.keys(permissionOf) as Verb[];
const inForce = { areUsers: true, isProtected: true };

/** Which verbs each role is enough for. */
const allowed: Record<Role, Verb[]> = {
  viewer: [],
  operator: [
    "deploy",
    "attest",
    "resolve",
    "hold",
    "resume",
    "abort",
    "rollback",
    "unlock",
    "freeze",
    "thaw",
    "close a task",
    "make read-only",
    "make writable",
    "remove archived rows",
  ],
  approver: ["approve", "reject", "abort", "rollback", "freeze", "override", "make read-only"],
  admin: ["abort", "rollback", "freeze", "make read-only"],
};

function somebody(has: readonly Role[], kind: "human" | "agent" = "human"): Actor {
  return { name: "ann", checked: { by: "token", token: "t1" }, kind, emails: [], roles: [...has] };
}

/** Every set of roles. */
const sets: Role[][] = Array.from({ length: 2 ** roles.length }, (_, bits) =>
  roles.filter((_role, index) => (bits & (1 << index)) !== 0),
);

describe("who may do what where roles are asked for", () => {
  it.each(sets.map((set) => [set.join(" and ") || "no role", set] as const))(
    "%s: exactly what one of them is enough for",
    (_, set) => {
      for (const kind of ["human", "agent"] as const) {
        const may = verbs.filter((verb) => whyMayNot(somebody(set, kind), verb, inForce) === undefined);
        expect(may).toEqual(verbs.filter((verb) => set.some((role) => allowed[role].includes(verb))));
      }
    },
  );

  it("says which role is missing", () => {
    expect(whyMayNot(somebody(["viewer"]), "deploy", inForce)).toBe("ann is not an operator");
    expect(whyMayNot(somebody(["operator"]), "approve", inForce)).toBe("ann is not an approver");
    expect(whyMayNot(somebody([]), "abort", inForce)).toBe(
      "ann is not an operator or an approver or an admin",
    );
  });

  it("lets a name that nobody has checked only stop and go back", () => {
    const may = verbs.filter((verb) => whyMayNot(uncheckedActor("ann"), verb, inForce) === undefined);
    expect(may).toEqual(["abort", "rollback", "freeze", "make read-only"]);
    expect(whyMayNot(uncheckedActor("ann"), "deploy", inForce)).toBe("nobody has checked who ann is");
  });

  it("asks nobody for a role before there are users, nor where the environment is not protected", () => {
    for (const known of [
      { areUsers: false, isProtected: true },
      { areUsers: true, isProtected: false },
    ])
      for (const verb of verbs)
        for (const actor of [uncheckedActor("ann"), somebody(["viewer"]), somebody([])])
          expect(whyMayNot(actor, verb, known)).toBeUndefined();
  });

  it("lets only an admin who is a person change who may do what", () => {
    for (const role of roles)
      expect(whyNotPermitted(somebody([role]), "administer") === undefined).toBe(role === "admin");
    expect(whyNotPermitted(somebody(["admin"], "agent"), "administer")).toBe("ann acts through an agent");
  });
});
