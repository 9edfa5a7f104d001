"""Scalar maps over the whole range of float32, against 50 digits: values, log-dets and gradients.

The programs are compiled as users' are, with the compiler's own options: others fuse otherwise, and round otherwise.
"""

import inspect
from dataclasses import replace
from functools import cache

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

import pushforward.bijectors as bijectors
from pushforward.bijectors import Bijector

from .extremes import MAPS

DIGITS = 50
ULPS = 8
PADDED = 256
INFO = np.finfo(np.float32)
TINY, MAX = mp.mpf(float(INFO.tiny)), mp.mpf(float(INFO.max))


# ------------------------------------------------------------------------- inputs


def _magnitudes(rng):
    return np.concatenate(
        [
            [0, INFO.smallest_subnormal, 1e-40, np.nextafter(INFO.tiny, np.float32(0)), INFO.tiny, INFO.max, np.inf],
            2.0 ** np.arange(-125, 128, 9),
            10.0 ** np.arange(-37, 39, 3),
            np.exp(rng.uniform(np.log(1e-38), np.log(1e38), 16)),
            rng.uniform(0, 20, 12),
            np.abs(rng.normal(size=12)),
        ]
    ).astype(np.float32)


def _inside(lo, hi, extra):
    """Some 200 float32 numbers in [lo, hi], in order, and those of them that are `extra` or its neighbours."""
    rng = np.random.default_rng(0)
    size = _magnitudes(rng)
    steps = np.concatenate([2.0 ** -np.arange(1, 24, 2), 10.0 ** np.arange(-7, 8, 2)]).astype(np.float32)
    parts, extra = [size, -size], list(extra)
    around = _neighbours(extra)
    for end, sign in ((lo, 1), (hi, -1)):
        if np.isfinite(float(end)):
            parts.append(np.float32(end) + np.float32(sign) * steps)
            extra.append(end)
    if np.isfinite(float(lo)) and np.isfinite(float(hi)):
        parts.append(rng.uniform(float(lo), float(hi), 40).astype(np.float32))
    x = np.unique(np.concatenate([*parts, _neighbours(extra)]))
    x = x[[lo <= mp.mpf(float(v)) <= hi for v in x]]
    x = np.concatenate([x[x < 0], np.float32([-0.0, 0.0]), x[x > 0]]) if lo <= 0 <= hi else x
    return x, set(around)


def _neighbours(points):
    """Each, and the four float32 numbers next to it."""
    near = [np.asarray(points, np.float32)]
    for direction in (-np.inf, np.inf):
        near.append(np.nextafter(near[0], np.float32(direction)))
        near.append(np.nextafter(near[-1], np.float32(direction)))
    return np.concatenate(near)


# ---------------------------------------------------------------------- references


def _limit(fn, end, side):
    """The limit of `fn` at `end`, from above (`side` 1) or below (-1): a number, or ±inf."""
    with mp.workdps(DIGITS if end == 0 or mp.isinf(end) else 2 * DIGITS):
        if mp.isinf(end):
            points = (mp.sign(end) * mp.mpf(10) ** n for n in (300, 600))
        elif end == 0:
            points = (side * mp.mpf(10) ** -n for n in (300, 600))
        else:
            points = (end + side * mp.mpf(10) ** -n for n in (30, 60))
        a, b = (fn(v) for v in points)
    if abs(b - a) <= mp.mpf(10) ** -9 * abs(b):
        return b
    return mp.sign(b) * mp.inf if abs(b) > abs(a) else mp.mpf(0)


def _reference(fn, x, lo, hi):
    """What `fn` gives at each float32 of `x`, in mpmath; its limits at the ends."""
    limits = {}

    def at(v):
        v = mp.mpf(float(v))
        if lo < v < hi:
            return fn(v)
        if v not in limits:
            limits[v] = _limit(fn, v, 1 if v == lo else -1)
        return limits[v]

    return [at(v) for v in x]


def _slopes(entry, direction, at, corners):
    """|derivative| of the value, and the derivative of the log-det, at an input; each is None at a kink.

    Near a corner, which rounding may move to the other side of the input, they must be the same on both sides.
    """
    if at in corners:
        sides = [
            _slopes(entry, direction, np.float32(at + step), ())
            for step in (-8 * np.spacing(at), 0, 8 * np.spacing(at))
        ]
        return [w[1] if None not in w and all(_near(v, w[1]) for v in w) else None for w in zip(*sides, strict=True)]
    at = mp.mpf(float(at))
    inverted = direction == "inverse" and entry.inverse_log_derivative is None
    log_derivative = entry.inverse_log_derivative if direction == "inverse" and not inverted else entry.log_derivative
    x = entry.inverse(at) if inverted else at
    with mp.workdps(2 * DIGITS):
        h = abs(x) * mp.mpf(10) ** -18 if x else mp.mpf(10) ** -50
        before, here, after = (log_derivative(v) for v in (x - h, x, x + h))
        left, right = (here - before) / h, (after - here) / h
        slope, bend = mp.exp(here), (left + right) / 2
        smooth = abs(after - before) < mp.mpf(10) ** -9 * (1 + abs(here))
        smooth_bend = smooth and abs(left - right) <= mp.mpf(10) ** -6 * (1 + abs(bend))
        if inverted:
            slope, bend = 1 / slope, -bend / slope
        return slope if smooth else None, bend if smooth_bend else None


# -------------------------------------------------------------------------- errors


def _ulp(size):
    """The spacing of float32 numbers of this size."""
    return mp.mpf(2) ** (max(int(mp.floor(mp.log(size, 2))), -126) - 23) if size else mp.mpf(2) ** -149


def _error(got, want, size):
    """The error in units in the last place; infinite for a wrong infinity or NaN."""
    if np.isnan(got):
        return mp.inf
    slack = MAX * (1 + mp.mpf(2) ** -24)
    if mp.isinf(want) or abs(want) >= slack:
        return mp.mpf(0) if np.isinf(got) and np.sign(got) == mp.sign(want) else mp.inf
    if np.isinf(got):
        return (slack - abs(want)) / _ulp(MAX) if np.sign(got) == mp.sign(want) else mp.inf
    if got == 0 and abs(want) < TINY:
        return mp.mpf(0)
    return abs(mp.mpf(float(got)) - want) / _ulp(max(abs(want), size))


def _error_at_zero(got, want, size):
    return mp.mpf(0) if abs(float(got) - want) <= TINY else _error(got, want, size)


def _faults(entry, quantity, x, got, want, at_zero):
    """Lines about the worst inputs. A subnormal input may be taken for zero."""
    allowed, size = entry.ulps.get(quantity, ULPS), mp.mpf(entry.sizes.get(quantity, 0))
    faults = []
    for at, g, w in zip(x, got, want, strict=True):
        limit = allowed(float(at)) if callable(allowed) else allowed
        error = _error(g, w, size)
        if error > limit and 0 < abs(at) < INFO.tiny:
            error = min(error, *(_error_at_zero(g, z, size) for z in at_zero))
        if error > limit:
            line = f"at {at!r}: {g!r}, and {mp.nstr(w, 12)} is right, {mp.nstr(error, 3)} ulp off (allowed {limit:.3g})"
            faults.append((error / limit, line))
    faults.sort(key=lambda fault: -fault[0])
    count = f"{quantity}, {len(faults)} of {len(x)} inputs: "
    return [count + "; ".join(line for _, line in faults[:3])] if faults else []


def _near(got, want):
    return abs(got - want) <= 1e-3 * abs(want) + 1e-4


def _gradient_faults(name, x, got, want):
    """Gradients: finite where the true one is a float32, and near it."""
    faults = []
    for at, g, w in zip(x, got, want, strict=True):
        if w is None:
            right = np.isfinite(g)
        else:
            right = abs(w) > MAX or _near(mp.mpf(float(g)), w)
        if not right:
            faults.append(f"at {at!r}: {g!r}, and {'finite' if w is None else mp.nstr(w, 8)} is right")
    return [f"{name}, {len(faults)} of {len(x)} inputs: " + "; ".join(faults[:3])] if faults else []


# --------------------------------------------------------------------------- tests


@jax.jit
def _observe(bijector, x, y):
    def look(fn, x):
        def part(x, k):
            found = fn(x)
            return jnp.sum(found[k]), found

        slope, found = jax.grad(part, has_aux=True)(x, 0)
        log_slope, _ = jax.grad(part, has_aux=True)(x, 1)
        return *(jnp.broadcast_to(value, x.shape) for value in found), slope, log_slope

    return look(bijector.forward_and_log_det, x), look(bijector.inverse_and_log_det, y)


def _observed(bijector, x, y):
    """What `_observe` finds; always of one size, so that settings of one class share a program."""
    padded = [np.resize(v, PADDED) for v in (x, y)]
    forward, inverse = jax.device_get(_observe(bijector, *padded))
    return [part[: len(x)] for part in forward], [part[: len(y)] for part in inverse]


def _check(entry, direction, ends, at, corners, seen):
    """Faults of one direction."""
    if direction == "forward":
        functions = entry.forward, entry.log_derivative
    else:
        own = entry.inverse_log_derivative
        functions = entry.inverse, own or (lambda y: -entry.log_derivative(entry.inverse(y)))
    names = [direction, f"{direction}_log_det"]
    faults = []
    for name, fn, got in zip(names, functions, seen[:2], strict=True):
        at_zero = [_limit(fn, mp.mpf(0), side) for side in (-1, 1) if ends[0] <= side * TINY <= ends[1]]
        faults += _faults(entry, name, at, got, _reference(fn, at, *ends), at_zero)
    # At subnormal numbers, which may be taken for zero, a slope can be anything.
    ordinary = [np.isfinite(v) and ends[0] < v < ends[1] and (v == 0 or abs(v) >= INFO.tiny) for v in map(float, at)]
    slopes = zip(*[_slopes(entry, direction, v, corners) for v in at[ordinary]], strict=True)
    for name, got, want in zip(names, seen[2:], slopes, strict=True):
        got = np.abs(got) if name == direction else got
        faults += _gradient_faults(f"slope of {name}", at[ordinary], got[ordinary], want)
    return faults


@pytest.mark.parametrize("entry", MAPS, ids=str)
def test_scalar_map(entry):
    # Some inverses are slow at 50 digits, and each is asked for three times.
    entry = replace(entry, inverse=cache(entry.inverse))
    with mp.workdps(DIGITS):
        domain, codomain = (tuple(mp.mpf(v) for v in ends) for ends in (entry.domain, entry.codomain))
        images = [float(entry.forward(mp.mpf(v))) for v in entry.points]
        (x, x_corners), (y, y_corners) = _inside(*domain, entry.points), _inside(*codomain, images)
        forward, inverse = _observed(entry.build(), x, y)
        faults = _check(entry, "forward", domain, x, x_corners, forward)
        faults += _check(entry, "inverse", codomain, y, y_corners, inverse)
    assert not faults, "\n".join([entry.name, *faults])


# Scalar maps that are not in a list, and why.
EXCEPTED = {
    "AbsoluteValue": "exact, and without a forward log-det",
    "CategoricalToDiscrete": "a table of numbers, exact",
}

EXPORTED = [
    value
    for name in bijectors.__all__
    if inspect.isclass(value := getattr(bijectors, name)) and issubclass(value, Bijector) and value is not Bijector
]


def test_every_scalar_map_is_listed():
    listed = {type(entry.build()).__name__ for entry in MAPS}
    scalar = {cls.__name__ for cls in EXPORTED if isinstance(n := cls.forward_min_event_ndims, int) and n == 0}
    assert scalar - listed - set(EXCEPTED) == set(), "add an entry to tests/extremes"
    assert set(EXCEPTED) <= scalar - listed
    assert len({entry.name for entry in MAPS}) == len(MAPS)
