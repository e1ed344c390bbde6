"""Funks: Python functions packaged as runnables.

| module | holds |
|---|---|
| ``packaging`` | :func:`funk`, and what it makes |
| ``source`` | the source that a funk brings along |
| ``parts`` | the statements that make each thing again |
| ``closures`` | the variables that a function closes over |
| ``definition`` | finding a definition in modules, scripts and notebooks |
| ``installed`` | whether code belongs to the standard library or an installed package |
| ``names`` | the names that source uses and does not define |
| ``imports`` | the modules that source imports |
| ``replaced`` | whether attributes of installed modules were replaced in this process |
| ``modules``, ``loaded``, ``again`` | modules of one's own, and whether their files were edited |
| ``requirements`` | packages that must be installed |
| ``type_hints`` | which annotations count |
| ``statements``, ``expressions``, ``strings`` | printing a syntax tree in normal form |
| ``trees`` | syntax trees: read, copied and compared |
| ``proof`` | the check that the source makes the function that was given |
| ``code_objects``, ``comparison``, ``states`` | comparing code and values |
"""

from __future__ import annotations

from daggerml.funks.packaging import URI, Funk, funk

__all__ = ["URI", "Funk", "funk"]
