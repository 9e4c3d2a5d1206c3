import { lookup, type LookupAddress } from "node:dns";
import { isIP, type LookupFunction } from "node:net";

/** Nothing is ever asked there, whoever named it and however. */
const REFUSED_V4: readonly (readonly [network: string, bits: number, what: string])[] = [
  // RFC 3927; the metadata of AWS, GCP, Azure, Oracle, DigitalOcean and others, and of ECS tasks.
  ["169.254.0.0", 16, "link-local, where clouds keep the credentials of machines"],
  ["100.100.100.200", 32, "the metadata service of Alibaba Cloud"],
  ["192.0.0.192", 32, "the metadata service of Oracle Cloud"],
  ["168.63.129.16", 32, "the wire server of Azure"],
];
/** The first groups of an IPv6 address, with how many bits of them count. */
const REFUSED_V6: readonly (readonly [groups: readonly number[], bits: number, what: string])[] = [
  [[0xfe80], 10, "link-local"], // RFC 4291 §2.5.6
  [[0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254], 128, "the metadata service of AWS"],
  [[0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254], 128, "the metadata service of Google Cloud"],
];
/** Of addresses that hold an IPv4 address: the groups before it, and the group where it begins. */
const HOLD_V4: readonly (readonly [prefix: readonly number[], at: number])[] = [
  [[0, 0, 0, 0, 0, 0xffff], 6], // mapped, RFC 4291 §2.5.5.2
  [[0, 0, 0, 0, 0xffff, 0], 6], // translated, RFC 2765
  [[0, 0, 0, 0, 0, 0], 6], // compatible, RFC 4291 §2.5.5.1
  [[0x64, 0xff9b, 0, 0, 0, 0], 6], // NAT64, RFC 6052
  [[0x64, 0xff9b, 1], 6], // NAT64 of a site, RFC 8215
  [[0x2002], 1], // 6to4, RFC 3056
];

/** Of an error because of an address that is refused. */
export const ADDRESS_REFUSED = "ERR_ADDRESS_REFUSED";

/** What is at an address that is never connected to; undefined when it may be. Takes addresses as getaddrinfo(3) and URLs write them. */
export function refusedAddress(address: string): string | undefined {
  const text = address.replace(/^\[|\]$/g, "").replace(/%.*$/, "");
  const kind = isIP(text);
  if (kind === 0) return undefined;
  if (kind === 4) return refusedV4(numberOf(text));
  const groups = groupsOf(text);
  const refused = REFUSED_V6.find(([network, bits]) => startsWith(groups, network, bits));
  if (refused !== undefined) return refused[2];
  for (const [prefix, at] of HOLD_V4) {
    if (!startsWith(groups, prefix, prefix.length * 16)) continue;
    const held = refusedV4(groups[at]! * 65_536 + groups[at + 1]!);
    if (held !== undefined) return held;
  }
  return undefined;
}

/** Throws an error with the code ADDRESS_REFUSED when the host of a URL is an address that is refused; names are looked at by `checkedLookup`. */
export function checkHost(host: string): void {
  const what = refusedAddress(host);
  if (what !== undefined) throw refusal(host, what);
}

/**
 * Looks names up for a connection that is about to be made, which then goes to what was checked here: a name that means another
 * address the next time gains nothing. One refused address among several refuses the name.
 */
export const checkedLookup: LookupFunction = (host, options, answer) => {
  lookup(host, { ...options, all: true }, (error, found) => {
    if (error !== null) return answer(error, [] as LookupAddress[]);
    for (const { address } of found) {
      const what = refusedAddress(address);
      if (what !== undefined) return answer(refusal(`${host} (${address})`, what), [] as LookupAddress[]);
    }
    const [first] = found;
    if (options.all === true || first === undefined) return answer(null, found);
    return answer(null, first.address, first.family);
  });
};

function refusal(host: string, what: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${host} is never asked: it is ${what}`), { code: ADDRESS_REFUSED });
}

function refusedV4(address: number): string | undefined {
  return REFUSED_V4.find(([network, bits]) => {
    const size = 2 ** (32 - bits);
    return Math.floor(address / size) === Math.floor(numberOf(network) / size);
  })?.[2];
}

function numberOf(dotted: string): number {
  return dotted.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

/** The eight groups of an IPv6 address, also of one that ends like an IPv4 address. */
function groupsOf(text: string): number[] {
  const plain = text.replace(/\d+\.\d+\.\d+\.\d+$/, (dotted) => {
    const value = numberOf(dotted);
    return `${Math.floor(value / 65_536).toString(16)}:${(value % 65_536).toString(16)}`;
  });
  const [head = "", tail] = plain.split("::");
  const read = (part: string): number[] =>
    part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16));
  if (tail === undefined) return read(head);
  const [before, after] = [read(head), read(tail)];
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
}

function startsWith(groups: readonly number[], network: readonly number[], bits: number): boolean {
  return network.every((group, index) => {
    const counted = Math.min(16, bits - index * 16);
    const mask = (0xffff << (16 - counted)) & 0xffff;
    return (groups[index]! & mask) === (group & mask);
  });
}
