"""Rules of a helper that writes. Each function is the test of one rule, named by it."""

from __future__ import annotations

import json
import secrets
import time
from typing import TYPE_CHECKING, Any

from daggerml.remotes.conformance.suite import Skipped, expect
from daggerml.remotes.messages import PROTOCOL

if TYPE_CHECKING:
    from daggerml.remotes.client import Client
    from daggerml.remotes.conformance.suite import Case

#: How many requests race for one key.
_RACERS = 8


def put(case: Case) -> None:
    """A put writes a blob only if there is none, and says which."""
    case.writing()
    client, key = case.start(), case.key("put")
    answer = client.ask("put", b"first", key=key)
    expect(answer.state == "created", f"the first put gave {answer!r}")
    for data in (b"first", b"second"):
        answer = client.ask("put", data, key=key)
        expect(answer.state == "exists", f"a put where something is gave {answer!r}")
    expect(client.ask("get", key=key).data == b"first", "a put replaced what was there")


def swap(case: Case) -> None:
    """A swap writes only over the blob with the expected etag, or where there is none."""
    case.writing()
    client, key = case.start(), case.key("swap")
    answer = client.ask("swap", b"0", key=key, expected='"none"')
    expect(answer.state == "changed", f"a swap of what is not there gave {answer!r}")
    etags = []
    expected: Any = None
    for data in (b"1", b"2", b"3"):
        answer = client.ask("swap", data, key=key, expected=expected)
        expect(answer.state == "swapped", f"a swap with the right etag gave {answer!r}")
        found = client.ask("get", key=key)
        expect(found.data == data, f"after a swap there is {found!r}")
        expect(found["etag"] == answer["etag"], "the etag of a swap is not that of a get")
        expected = answer["etag"]
        etags.append(expected)
    expect(len(set(etags)) == len(etags), f"blobs that differ have the same etag: {etags}")
    for wrong in (None, etags[0], '"x"'):
        answer = client.ask("swap", b"4", key=key, expected=wrong)
        expect(answer.state == "changed", f"a swap with the etag {wrong!r} gave {answer!r}")
    expect(client.ask("get", key=key).data == b"3", "a swap that was refused wrote")


def put_race(case: Case) -> None:
    """Of several puts of one key at once, one is `created`, and its bytes stay."""
    case.writing()
    clients = [case.start(), case.start()]
    for round_number in range(5):
        key = case.key(f"race-{round_number}")
        _race(clients, "put", key, ("created", "exists"))


def swap_race(case: Case) -> None:
    """Of several swaps with one etag at once, one is `swapped`, and its bytes stay."""
    case.writing()
    clients = [case.start(), case.start()]
    key = case.key("race")
    expected: Any = None
    for _ in range(5):
        _race(clients, "swap", key, ("swapped", "changed"), expected=expected)
        expected = clients[0].ask("get", key=key)["etag"]


def _race(
    clients: list[Client], verb: str, key: str, states: tuple[str, str], **members: Any
) -> None:
    """Sends requests for one key at once, of which one must win."""
    sent = []
    for number in range(_RACERS):
        client, data = clients[number % len(clients)], secrets.token_bytes(16)
        sent.append((client, data, client.send(verb, data, key=key, **members)))
    answers = [(data, client.wait(queue)) for client, data, queue in sent]
    told = sorted(str(answer.state) for _, answer in answers)
    winners = [data for data, answer in answers if answer.state == states[0]]
    expect(
        len(winners) == 1 and told.count(states[1]) == _RACERS - 1,
        f"{_RACERS} at once were answered: {', '.join(told)}",
    )
    for client in clients:
        found = client.ask("get", key=key).data
        expect(found == winners[0], "the bytes of one that lost are there")


def delete(case: Case) -> None:
    """A blob that was deleted is missing; deleting nothing is fine."""
    case.writing()
    client, key = case.start(), case.key("delete")
    for data in (b"first", b"second"):
        expect(client.ask("put", data, key=key).state == "created", "a put after a delete fails")
        for _ in range(2):
            expect(client.ask("delete", key=key).state == "deleted", "a delete fails")
        expect(client.ask("get", key=key).state == "missing", "it is there after the delete")


def list_all(case: Case) -> None:
    """A list gives each key with the prefix once, in order, with its length."""
    case.writing()
    client = case.start()
    _listing(client)
    # Bytes decide the order: "-" and "." come before "/", and that before digits and letters.
    # No key is a folder of another: not every place can hold both.
    names = ["a", "a-b", "a.b", "a0", "ab/c", "b/a", "b/c/d", "c-", "c/0", "c0", "d"]
    sizes = {case.key(name): number for number, name in enumerate(names)}
    for key, size in sizes.items():
        client.ask("put", bytes(size), key=key)
    for begin in ("", "a", "a/", "ab", "ab/", "b/c", "b", "c", "c/", "c-", "nothing"):
        prefix = case.prefix + begin
        wanted = [(key, size) for key, size in sorted(sizes.items()) if key.startswith(prefix)]
        found = _listed(case, client, prefix, wanted)
        expect(found == wanted, f"the list of {begin!r} is {found}, not {wanted}")


def list_after(case: Case) -> None:
    """A list goes on after any key, also one that is not there."""
    case.writing()
    client = case.start()
    _listing(client)
    keys = [case.key(name) for name in ("a", "b/c", "d")]
    for key in keys:
        client.ask("put", b"x", key=key)
    for name in ("a", "b", "b/c", "c", "d", "e"):
        after = case.prefix + name
        wanted = [(key, 1) for key in keys if key > after]
        found = _listed(case, client, case.prefix, wanted, after)
        expect(found == wanted, f"after {name!r} the list is {found}, not {wanted}")


def list_pages(case: Case) -> None:
    """Pages hold at most as many entries as the helper says, and together all of them."""
    case.writing()
    client = case.start()
    _listing(client)
    most = client.ask("describe")["page"]
    keys = [case.key(f"{number:04}") for number in range(min(most + 5, 1005))]
    for queue in [client.send("put", b"x", key=key) for key in keys]:
        expect(client.wait(queue).state == "created", "a put of many is not `created`")
    page = client.ask("list", prefix=case.prefix)["entries"]
    expect(0 < len(page) <= most, f"a page has {len(page)} entries; {most} are the most")
    wanted = [(key, 1) for key in keys]
    found = _listed(case, client, case.prefix, wanted)
    expect(found == wanted, f"{len(found)} of {len(keys)} keys were listed")


def _listing(client: Client) -> None:
    if client.ask("describe")["lists"] is False:
        text = "the helper says that it has no lists"
        raise Skipped(text)


def _listed(
    case: Case, client: Client, prefix: str, wanted: list[tuple[str, int]], after: Any = None
) -> list[tuple[str, int]]:
    """Returns what is listed, as soon as it is what is wanted: a list may be late."""
    late = time.monotonic() + case.patience
    while (found := _pages(client, prefix, after)) != wanted and time.monotonic() < late:
        time.sleep(1)
    return found


def _pages(client: Client, prefix: str, after: Any = None) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    while True:
        page = client.ask("list", prefix=prefix, after=after)
        expect(isinstance(page["entries"], list), f"a list gave {page!r}")
        if not page["entries"]:
            return found
        for entry in page["entries"]:
            modified = entry.get("modified")
            expect(
                modified is None or (type(modified) in {int, float} and modified >= 0),
                f"the time of a blob is {modified!r}",
            )
            found.append((entry["key"], entry["bytes"]))
        expect(after is None or found[-1][0] > after, "a list does not come to its end")
        after = found[-1][0]


def others_see_it(case: Case) -> None:
    """What was answered is there for every other helper, and after the helper has ended."""
    case.writing()
    writer, reader = case.start(), case.start()
    key = case.key("seen")
    for number in range(5):
        data = b"%d" % number
        found = reader.ask("get", key=key)
        writer.ask("swap", data, key=key, expected=found["etag"])
        expect(reader.ask("get", key=key).data == data, "another helper reads old bytes")
    writer.close()
    expect(case.start().ask("get", key=key).data == b"4", "a new helper reads old bytes")
    reader.ask("delete", key=key)
    expect(case.start().ask("get", key=key).state == "missing", "a new helper reads deleted bytes")


def half_a_body(case: Case) -> None:
    """A body that ends before its length is not written."""
    case.writing()
    for verb in ("put", "swap"):
        client, key = case.start(), case.key(f"half-{verb}")
        request = {"protocol": PROTOCOL, "id": 1, "verb": verb, "key": key, "body": 1000}
        client.raw(json.dumps(request).encode() + b"\n" + bytes(500))
        client.close()
        found = case.start().ask("get", key=key)
        expect(found.state == "missing", f"half a body of a {verb} was written: {found!r}")


def large(case: Case) -> None:
    """A body of 8 MiB arrives whole, while other requests are answered."""
    case.writing()
    client = case.start()
    if client.ask("describe")["largest"] < 8 << 20:
        text = "the helper says that it takes only shorter ones"
        raise Skipped(text)
    data = bytes(range(256)) * (8 << 12)
    key = case.key("large")
    sent, other = client.send("put", data, key=key), client.send("get", key=case.key("other"))
    expect(client.wait(other).state == "missing", "the other request was not answered")
    expect(client.wait(sent).state == "created", "the put is not `created`")
    expect(client.ask("get", key=key).data == data, "the bytes came back changed")
