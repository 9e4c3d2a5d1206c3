import { describe, expect, it } from "vitest";
import { refusedAddress } from "../../src/lib/refused-address.ts";

describe("an address", () => {
  it.each([
    "169.254.169.254",
    "169.254.0.1",
    "169.254.170.2",
    "169.254.255.255",
    "100.100.100.200",
    "192.0.0.192",
    "168.63.129.16",
    "fe80::1",
    "fe80::1%eth0",
    "febf:ffff::",
    "fd00:ec2::254",
    "[fd00:ec2::254]",
    "fd20:ce::254",
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "0:0:0:0:0:ffff:a9fe:a9fe",
    "::169.254.169.254",
    "::ffff:0:169.254.169.254",
    "64:ff9b::169.254.169.254",
    "64:ff9b:1::169.254.169.254",
    "2002:a9fe:a9fe::",
    "2002:a9fe:a9fe::1",
  ])("is refused where clouds keep what nobody else may see: %s", (address) => {
    expect(refusedAddress(address)).toMatch(/\w/);
  });

  it.each([
    "127.0.0.1",
    "10.0.0.1",
    "192.168.1.1",
    "169.253.255.255",
    "169.255.0.0",
    "100.100.100.201",
    "8.8.8.8",
    "0.0.0.0",
    "::1",
    "::",
    "fec0::1",
    "fd00:ec2::253",
    "2001:db8::a9fe:a9fe",
    "::ffff:127.0.0.1",
    "64:ff9b::8.8.8.8",
    "2002:a9fd:a9fe::",
    "example.com",
    "",
  ])("is not refused otherwise: %s", (address) => {
    expect(refusedAddress(address)).toBeUndefined();
  });
});
