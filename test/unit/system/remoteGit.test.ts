import { expect } from "chai";
import { protocolOf, withoutPasswords } from "../../../system/remoteGit.ts";

describe("the address of a remote", () => {
  it("is reached by one of four transports, as git reads it, or not at all", () => {
    const expected = {
      "https://host/x.git": "https",
      "HTTP://host/x": "http",
      "ssh://git@host:22/x": "ssh",
      "git+ssh://host/x": "ssh",
      "git@host:team/x.git": "ssh",
      "/srv/git/x.git": "file",
      "../x.git": "file",
      "./a:b": "file",
      "file:///srv/x": "file",
      "git://host/x": null,
      "ftp://host/x": null,
      "ext::sh -c true": null,
      "codecommit::eu-west-1://x": null,
    };
    for (const [address, protocol] of Object.entries(expected))
      expect(protocolOf(address), address).to.equal(protocol);
  });

  it("is shown without names and passwords", () => {
    expect(
      withoutPasswords("fatal: unable to access 'https://me:s3cr@t@host/x': no; ssh://git@h/x"),
    ).to.equal("fatal: unable to access 'https://***@host/x': no; ssh://***@h/x");
    expect(withoutPasswords("mail me@host, see https://host/a@b")).to.equal(
      "mail me@host, see https://host/a@b",
    );
  });
});
