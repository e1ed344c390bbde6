"""Values for Hypothesis: everything that can be stored and be a Python object."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import strategies as st

from daggerml import Runnable, Uri

texts = st.text()  # without surrogates
# -0.0 becomes 0.0 and there is one NaN, which is not equal to itself.
floats = st.floats(allow_nan=False).map(lambda number: number or 0.0)
uris = st.builds(
    lambda scheme, path: Uri(f"{scheme}:{path}"),
    st.from_regex(r"[a-z][a-z0-9+.-]{0,5}", fullmatch=True).filter(lambda name: name != "dml"),
    st.from_regex(r"[a-z0-9]{0,8}(/[a-z0-9]{1,4}){0,2}", fullmatch=True),
)
scalars = st.one_of(st.none(), st.booleans(), st.integers(), floats, texts, st.binary(), uris)
hashables: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.frozensets(inner, max_size=4), st.lists(inner, max_size=3).map(tuple)
    ),
    max_leaves=5,
)
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=6),
        st.dictionaries(scalars, inner, max_size=6),
        st.sets(hashables, max_size=4),
        st.builds(
            Runnable,
            uris,
            adapter=texts,
            kwargs=st.dictionaries(texts, inner, max_size=3),
        ),
    ),
    max_leaves=25,
)


def same(left: Any, right: Any) -> bool:  # noqa: PLR0911  one for each kind of value
    """Tells whether two values are equal in every part, type by type."""
    if type(left) is not type(right):
        return False
    if isinstance(left, float):
        return left == right or (math.isnan(left) and math.isnan(right))
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        keys = {(type(key), key): key for key in right}
        return len(left) == len(right) and all(
            (type(key), key) in keys and same(value, right[key]) for key, value in left.items()
        )
    if isinstance(left, (set, frozenset)):
        # Elements that are equal have one type here: Python merged 1 and True before.
        return bool(left == right) and {(type(i), i) for i in left} == {(type(i), i) for i in right}
    if isinstance(left, Runnable):
        return bool(left == right) and same(left.kwargs, right.kwargs)
    return bool(left == right)
