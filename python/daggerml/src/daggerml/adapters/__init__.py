"""What runs calls: the built-in adapter ``local``, and the parts for adapters in Python.

| module | holds |
|---|---|
| ``lines`` | the protocol's lines, on descriptors of their own |
| ``local`` | the program: ``python -m daggerml.adapters.local`` |
| ``work`` | one call: its DAG, the function, its outcome as a bundle |
| ``command`` | commands: any executable as a function |
| ``process`` | a process of the adapter, for programs that drive one |

The protocol is specified in ``docs/spec/execution.md``.
"""

from __future__ import annotations
