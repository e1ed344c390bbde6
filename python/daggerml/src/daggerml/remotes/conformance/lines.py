"""Rules of the protocol itself. Each function is the test of one rule, named by it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from daggerml.remotes.client import Client
from daggerml.remotes.conformance.suite import expect, refused
from daggerml.remotes.messages import MAX_LINE, PROTOCOL
from daggerml.remotes.store import MAX_BODY

if TYPE_CHECKING:
    from daggerml.remotes.conformance.suite import Case


def greeting(case: Case) -> None:
    """The first line says who the helper is and which protocols it speaks."""
    client = Client(case.command)
    case.clients.append(client)
    told = client.greeting()
    expect(
        all(isinstance(told.get(name), str) and told[name] for name in ("helper", "version")),
        f"the greeting lacks `helper` or `version`, texts that are not empty: {told}",
    )
    protocols = told.get("protocols")
    expect(
        isinstance(protocols, list) and PROTOCOL in protocols,
        f"the greeting's `protocols` does not have {PROTOCOL}: {told}",
    )


def many_at_once(case: Case) -> None:
    """Requests are taken while others are not answered, and each answer has its id."""
    client = case.start()
    key, data = case.sample(client, bytes(range(256)) * 400)
    sent = [
        client.send("get", key=key) if number % 2 else client.send("get", key=f"{key}-{number}")
        for number in range(40)
    ]
    for number, queue in enumerate(sent):
        answer = client.wait(queue)
        if number % 2:
            expect(answer.data == data, f"a get of several at once gave {answer!r}")
        else:
            expect(answer.state == "missing", f"a get of nothing gave {answer!r}")
    expect(not client.strays, f"there are answers that nobody asked for: {client.strays}")


def unknown_members(case: Case) -> None:
    """Members that the helper does not know are ignored."""
    answer = case.start().ask("describe", future={"a": [1]}, key=7)
    expect(answer.state == "description", f"the answer is {answer!r}")


def unknown_verb(case: Case) -> None:
    """A verb that does not exist is `unsupported`, and the next request is answered."""
    client = case.start()
    refused("unsupported", lambda: client.ask("dance", b"a body\n", key="a"), "an unknown verb")
    expect(client.ask("describe").state == "description", "there is no description afterwards")


def unknown_protocol(case: Case) -> None:
    """A request of another protocol is `unsupported`."""
    client = case.start()
    refused("unsupported", lambda: client.ask("describe", protocol=999), "protocol 999")


def bad_keys(case: Case) -> None:
    """What is not a key is `invalid`, its body is read, and the next request is answered."""
    client = case.start()
    keys: list[Any] = ["", "/a", "a/", "a//b", "../a", "a/../b", ".a", "a/.b", "A", "a b", "ä"]
    keys += ["a\\b", "a\n", "a\0", "a%2e", "a:b", "~a", "a" * 201, 7, None, ["a"]]
    for key in keys:
        for verb in ("get", "put", "swap", "delete"):
            data = b"a body\n" if verb in {"put", "swap"} else None
            refused("invalid", lambda: client.ask(verb, data, key=key), f"{verb} of {key!r}")  # noqa: B023
    refused("invalid", lambda: client.ask("list", prefix="../a"), "a list of '../a'")
    expect(client.ask("describe").state == "description", "there is no description afterwards")


def bad_members(case: Case) -> None:
    """Ranges, limits and etags that are none are `invalid`."""
    client = case.start()
    wrong: list[dict[str, Any]] = [
        {"range": value} for value in ([5, 1], [-1, 2], [1], "0-1", [0, 1, 2], [0.5, 1], [True, 2])
    ]
    wrong += [{"limit": value} for value in (-1, "1", 1.5)]
    wrong += [{"known": value} for value in (7, "x" * 1025)]
    for members in wrong:
        refused("invalid", lambda: client.ask("get", key="a", **members), f"a get with {members}")  # noqa: B023


def not_json(case: Case) -> None:
    """A line that is not a request is answered with `invalid` and the id null, or ends it."""
    for line in (b"hello\n", b"[]\n", b"\xff\n", b'{"id":1,"verb":"describe","body":-1}\n'):
        client = case.start()
        client.raw(line)
        client.close()
        for stray in client.strays:
            kind = (stray["error"] or {}).get("kind")
            expect(
                stray["id"] is None and kind == "invalid",
                f"the answer to {line!r} is {stray!r}",
            )
        expect("Traceback" not in client.log(), f"{line!r} made it crash: {client.log()}")


def too_long(case: Case) -> None:
    """A line or a body beyond the limits does not make the helper wait or take its bytes."""
    huge = {"protocol": PROTOCOL, "id": 1, "verb": "put", "key": "a", "body": MAX_BODY + 1}
    for data in (b"x" * (MAX_LINE + 2), json.dumps(huge).encode() + b"\n"):
        client = case.start()
        client.raw(data)
        client.end()  # without the end of its input
        for stray in client.strays:
            expect(stray.state == "error", f"the answer is {stray!r}")


def end_of_input(case: Case) -> None:
    """The helper ends with status 0 when its input ends."""
    client = case.start()
    client.ask("describe")
    code = client.close()
    expect(code == 0, f"its exit status is {code}")


def last_answers(case: Case) -> None:
    """What was asked before the end of the input is still answered, if that is quick."""
    client = case.start()
    queue = client.send("describe")
    client.close()
    expect(client.wait(queue).state == "description", "the last request was not answered")


def silence(case: Case) -> None:
    """Nothing but messages is written to standard output, and nothing without a request."""
    client = case.start()
    client.ask("describe")
    client.ask("get", key="conformance/nothing")
    client.close()
    expect(client.trouble == "it ended", client.trouble)
    expect(not client.strays, f"there are answers that nobody asked for: {client.strays}")
