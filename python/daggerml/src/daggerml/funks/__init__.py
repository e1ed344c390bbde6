"""Funks: Python functions packaged as runnables.

| module | holds |
|---|---|
| ``packaging`` | :func:`funk`, and what it makes |
| ``source`` | the source that a funk brings along |
| ``parts`` | the statements that make each thing again |
| ``around`` | the variables around a function |
| ``definition`` | finding a definition in modules, scripts and notebooks |
| ``installed`` | what is of the standard library or an installed package |
| ``names`` | what source uses from outside of itself |
| ``imports`` | what it imports |
| ``modules``, ``loaded`` | modules of one's own, and whether their files were edited |
| ``requirements`` | packages that must be installed |
| ``hints`` | which annotations count |
| ``statements``, ``expressions``, ``strings`` | the one text of a syntax tree |
| ``trees`` | syntax trees: read, copied and compared |
| ``proof`` | that what runs is what was given |
| ``codes``, ``comparison`` | comparing code, and values |
"""

from __future__ import annotations

from daggerml.funks.packaging import URI, Funk, funk

__all__ = ["URI", "Funk", "funk"]
