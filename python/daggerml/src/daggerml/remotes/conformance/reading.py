"""Rules of any helper. Each function is the test of one rule, named by it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from daggerml.remotes.conformance.suite import Skipped, expect, refused
from daggerml.remotes.store import MAX_BODY, MAX_ETAG, MAX_PAGE

if TYPE_CHECKING:
    from daggerml.remotes.conformance.suite import Case

#: A user with a password in an address.
_USER = re.compile(r"://[^/@]*@")


def describe(case: Case) -> None:
    """A description has all its members, and its address does not show credentials."""
    told = case.start().ask("describe")
    expect(told.state == "description", f"the answer is {told!r}")
    address = told["address"]
    expect(isinstance(address, str) and address, f"the address is {address!r}")
    expect(not _USER.search(address), f"the address shows a user: {address}")
    for name in ("writable", "ranges", "lists"):
        expect(type(told[name]) is bool, f"`{name}` is {told[name]!r}, neither true nor false")
    for name, most in (("largest", MAX_BODY), ("page", MAX_PAGE)):
        number = told[name]
        expect(type(number) is int and 0 < number <= most, f"`{name}` is {number!r}")


def missing(case: Case) -> None:
    """A blob that does not exist is `missing`, which is not an error."""
    client = case.start()
    for members in ({}, {"range": [0, 10]}, {"known": '"x"'}):
        answer = client.ask("get", key=case.key("nothing"), **members)
        expect(answer.state == "missing", f"a get with {members} gave {answer!r}")


def get(case: Case) -> None:
    """A blob comes as it was written, with its length and an etag."""
    client = case.start()
    samples = case.holds.items()
    if case.writable:
        wanted = [b"", b"\n", b"{}\n", bytes(range(256)), bytes(range(256)) * 8192]
        samples = dict(case.sample(client, data) for data in wanted).items()
    elif not samples:
        case.sample(client, b"")
    for key, data in samples:
        answer = client.ask("get", key=key)
        expect(answer.state == "found", f"the answer is {answer!r}")
        expect(answer.data == data, f"{len(data)} bytes came as other {len(answer.data)} bytes")
        expect(answer["size"] == len(data), f"the size of {len(data)} bytes is {answer['size']!r}")
        etag = answer["etag"]
        fine = isinstance(etag, str) and 0 < len(etag.encode()) <= MAX_ETAG
        expect(fine, f"the etag is {etag!r}")


def known(case: Case) -> None:
    """A blob whose etag is known is `unchanged`; with another etag it is sent."""
    client = case.start()
    key, data = case.sample(client, b"known")
    etag = client.ask("get", key=key)["etag"]
    answer = client.ask("get", key=key, known=etag)
    expect(answer.state == "unchanged", f"with its etag the answer is {answer!r}")
    answer = client.ask("get", key=key, known='"another"')
    expect(answer.data == data, f"with another etag the answer is {answer!r}")


def ranges(case: Case) -> None:
    """A range gives the bytes that exist, and the length of the whole blob."""
    client = case.start()
    if client.ask("describe")["ranges"] is False:
        text = "the helper says that it has no ranges"
        raise Skipped(text)
    key, data = case.sample(client, bytes(range(200)))
    end = len(data)
    for first, last in ((0, 1), (3, 50), (0, end), (end - 2, end + 9), (end, end + 1), (7, 7)):
        answer = client.ask("get", key=key, range=[first, last])
        part = data[first:last]
        expect(answer.state == "found", f"the range {first} to {last} gave {answer!r}")
        expect(answer.data == part, f"{first} to {last} of {end} gave {len(answer.data)} bytes")
        expect(answer["size"] == end, f"with a range the size is {answer['size']!r}, not {end}")


def limits(case: Case) -> None:
    """More bytes than the limit are `too_large`; as many as the limit are sent."""
    client = case.start()
    key, data = case.sample(client, bytes(1000))
    most = len(data)
    refused("too_large", lambda: client.ask("get", key=key, limit=most - 1), "a longer blob")
    expect(client.ask("get", key=key, limit=most).data == data, "a blob of the limit did not come")
    if client.ask("describe")["ranges"]:
        answer = client.ask("get", key=key, range=[0, 5], limit=5)
        expect(answer.data == data[:5], "a range within the limit did not come")


def read_only(case: Case) -> None:
    """A helper that says it is read only denies put, swap and delete."""
    client = case.start()
    if client.ask("describe")["writable"]:
        text = "the remote can be written"
        raise Skipped(text)
    key = case.prefix + "denied"
    refused("denied", lambda: client.ask("put", b"x", key=key), "a put")
    refused("denied", lambda: client.ask("swap", b"x", key=key, expected=None), "a swap")
    refused("denied", lambda: client.ask("delete", key=key), "a delete")
    expect(client.ask("get", key=key).state == "missing", "what was denied was written")
