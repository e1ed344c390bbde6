"""Dag classes: classes whose methods are the steps of a DAG.

| module | holds |
|---|---|
| ``delayed`` | values that are known only when they are put into a DAG |
| ``reading`` | what a method needs, read from its parameters and its code |
| ``compiled`` | :func:`dagclass`, and what it makes of an instance |
| ``running`` | :func:`run`: a DAG of an instance |
| ``pool`` | its steps, several at once |
"""

from __future__ import annotations

from daggerml.dagclasses.compiled import dagclass
from daggerml.dagclasses.pool import StepError
from daggerml.dagclasses.running import run

__all__ = ["StepError", "dagclass", "run"]
