"""Every class of `pushforward.bijectors`, in every case of its registry entries, through the whole public suite.

A failure names the check; `pytest tests/generic -k Sigmoid` runs one class.
"""

import inspect

import jax
import pytest

import pushforward.bijectors as bijectors
from pushforward.bijectors import Bijector, Composition
from pushforward.testing import BIJECTOR_CHECKS, check_bijector

from ..registry import ENTRIES

CASES = [
    pytest.param(entry, case, id=f"{entry.name}-{case}", marks=[pytest.mark.slow] if entry.slow else [])
    for entry in ENTRIES
    for case in entry.cases
]
ABSTRACT = (Bijector, Composition)
EXPORTED = [
    value
    for name in bijectors.__all__
    if inspect.isclass(value := getattr(bijectors, name)) and issubclass(value, Bijector) and value not in ABSTRACT
]


@pytest.mark.parametrize(("entry", "case"), CASES)
def test_bijector(entry, case, key):
    check_bijector(entry.cases[case](key), **entry.arguments())


@pytest.mark.parametrize("cls", EXPORTED, ids=lambda cls: cls.__name__)
def test_exported_class_is_registered(cls):
    entries = [entry for entry in ENTRIES if entry.bijector is cls]
    cases = [case for entry in entries for case in entry.cases]
    assert len(cases) >= 2, (
        f"{cls.__name__} is exported and has {len(cases)} registered cases; add an entry with at least two (as built, "
        "and trained-looking) to tests/registry"
    )


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_entry_is_sound(entry, key):
    assert set(entry.exempt) <= set(BIJECTOR_CHECKS)
    assert all(entry.exempt.values()), "an exemption needs its reason"
    for build in entry.cases.values():
        built, again = build(key), build(key)
        assert type(built) is entry.bijector
        # The same key builds the same structure, so that nothing is compiled twice.
        assert jax.tree.structure(built) == jax.tree.structure(again)
