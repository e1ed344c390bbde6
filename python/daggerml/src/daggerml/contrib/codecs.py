"""The delayed values, in the place where DaggerML 0.1.x had them."""

from __future__ import annotations

from daggerml.dagclasses.delayed import DelayedLoad, DelayedRef, DelayedRunnable

__all__ = ["DelayedLoad", "DelayedRef", "DelayedRunnable"]
