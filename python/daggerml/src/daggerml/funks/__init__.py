"""Funks: Python functions packaged as runnables.

| module | holds |
|---|---|
| ``definition`` | finding a definition in modules, scripts and notebooks |
| ``normal`` | its normal form, in which only the code counts |
| ``names`` | what it uses from outside of itself |
| ``packaging`` | :func:`funk`, and what it makes |
"""

from __future__ import annotations

from daggerml.funks.packaging import URI, Funk, funk

__all__ = ["URI", "Funk", "funk"]
