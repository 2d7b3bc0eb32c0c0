import { describe, expect, test } from "vitest";
import { isPublic } from "../../src/tool/http/address.ts";

describe("addresses of the public internet", () => {
  test.each(["8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450:4001:81b::200e"])(
    "%s is one",
    (address) => {
      expect(isPublic(address)).toBe(true);
    },
  );

  test.each([
    ["loopback", "127.0.0.1"],
    ["loopback", "127.255.255.254"],
    ["loopback", "::1"],
    ["unspecified", "0.0.0.0"],
    ["this network", "0.1.2.3"],
    ["unspecified", "::"],
    ["private", "10.0.0.1"],
    ["private", "172.16.0.1"],
    ["private", "172.31.255.255"],
    ["private", "192.168.1.1"],
    ["private", "fd00::1"],
    ["private", "fc00::1"],
    ["CGNAT", "100.64.0.1"],
    ["link-local", "169.254.0.1"],
    ["link-local", "fe80::1"],
    ["link-local with a zone", "fe80::1%eth0"],
    ["site-local", "fec0::1"],
    ["metadata of AWS, GCP, Azure", "169.254.169.254"],
    ["metadata of AWS over IPv6", "fd00:ec2::254"],
    ["metadata of Alibaba", "100.100.100.200"],
    ["metadata of Oracle", "192.0.0.192"],
    ["wire server of Azure", "168.63.129.16"],
    ["multicast", "224.0.0.1"],
    ["multicast", "239.255.255.250"],
    ["multicast", "ff02::1"],
    ["broadcast", "255.255.255.255"],
    ["reserved", "240.0.0.1"],
    ["benchmarking", "198.18.0.1"],
    ["documentation", "192.0.2.1"],
    ["documentation", "198.51.100.1"],
    ["documentation", "203.0.113.1"],
    ["documentation", "2001:db8::1"],
    ["IPv4-mapped", "::ffff:127.0.0.1"],
    ["IPv4-mapped, even of a public one", "::ffff:8.8.8.8"],
    ["IPv4-mapped in hexadecimal", "::ffff:7f00:1"],
    ["IPv4-compatible", "::127.0.0.1"],
    ["IPv4-translated", "::ffff:0:127.0.0.1"],
    ["NAT64", "64:ff9b::7f00:1"],
    ["6to4", "2002:7f00:1::1"],
    ["Teredo", "2001::1"],
    ["discard", "100::1"],
    ["unassigned", "4000::1"],
    ["no address", "localhost"],
    ["no address", ""],
    ["octal", "0177.0.0.1"],
    ["hexadecimal, of a public one", "0x8.8.8.8"],
    ["decimal", "2130706433"],
    ["hexadecimal", "0x7f.0.0.1"],
    ["short", "127.1"],
  ])("%s %s is none", (_why, address) => {
    expect(isPublic(address)).toBe(false);
  });
});
