"""The parts for remote helpers in Python: the programs that reach remotes.

A helper serves a store of blobs by six verbs. Derive a class from :class:`Store`, and let a
program call :func:`serve` with an instance of it:

>>> class Nothing(Store):
...     name, version = "nothing", "1"
...     def describe(self):
...         return Description(address="nothing:", writable=False)
...     def get(self, key, span=None, known=None, limit=0):
...         return None

A package offers helpers by the entry point group ``daggerml.remotes``, which maps the scheme
of an address to the function that is the program. DaggerML starts it with the address as its
last argument.

| module | holds |
|---|---|
| ``store`` | what a store does, its answers and errors, and the form of keys |
| ``messages`` | the protocol's messages: a line of JSON and a body |
| ``helper`` | the program: requests in, answers out |
| ``installed`` | the helpers that installed packages offer |
| ``secrets`` | takes secrets out of a text |
| ``client`` | the other side: starts a helper and asks it |
| ``conformance`` | tests that any helper must pass |

The protocol is specified in ``docs/spec/remotes.md``.
"""

from daggerml.remotes.helper import serve
from daggerml.remotes.store import (
    KINDS,
    UNCHANGED,
    Description,
    Entry,
    Found,
    HelperError,
    Store,
    Unchanged,
    checked_key,
)

__all__ = [
    "KINDS",
    "UNCHANGED",
    "Description",
    "Entry",
    "Found",
    "HelperError",
    "Store",
    "Unchanged",
    "checked_key",
    "serve",
]
