"""More scalar maps: powers, hyperbolic functions, smooth bounds and steps, heavier tails."""

import jax
import jax.numpy as jnp

from pushforward.bijectors import (
    Expm1,
    LambertWTail,
    Log1p,
    Power,
    PowerTransform,
    Reciprocal,
    Sinh,
    SinhArcsinh,
    SoftClip,
    Softfloor,
    Softsign,
    Square,
    StudentTCDF,
)

from .base import Entry

# Beyond 88 the exponential overflows in float32.
EXPONENTS = (-80.0, -30.0, -1e-8, 0.0, 1e-8, 30.0, 80.0)
# Further out the image rounds to an end of the interval, which is open, and validation refuses it on the way back.
INSIDE = (-4.0, -1e-8, 0.0, 1e-8, 4.0)
POINTS = (-1e3, -30.0, -1e-8, 1e-8, 30.0, 1e3)


def three(key, centre=0.0):
    """Three numbers, all different, of the size that training gives."""
    return centre + jnp.array([0.4, -0.3, 0.9]) + 0.1 * jax.random.normal(key, (3,))


def positive(key, centre=0.0):
    return jnp.exp(three(key, centre))


ENTRIES = [
    Entry(
        Expm1,
        cases={"default": lambda key: Expm1(), "validated": lambda key: Expm1(validate_args=True)},
        extremes=(-12.0, *EXPONENTS[2:]),
    ),
    Entry(
        Log1p,
        cases={"default": lambda key: Log1p(), "validated": lambda key: Log1p(validate_args=True)},
        output_extremes=(-12.0, *EXPONENTS[2:]),
    ),
    Entry(
        Power,
        cases={
            "odd": lambda key: Power(3),
            "odd root": lambda key: Power(1.0),
            "validated": lambda key: Power(5.0, validate_args=True),
        },
        extremes=POINTS,
        output_extremes=POINTS,
    ),
    Entry(
        Power,
        cases={"half": lambda key: Power(0.5), "square": lambda key: Power(2.0), "negative": lambda key: Power(-1.5)},
        label="half-line",
    ),
    Entry(
        Power,
        cases={"trained": lambda key: Power(positive(key))},
        batch_shape=(3,),
        label="batched",
    ),
    Entry(
        PowerTransform,
        cases={"default": lambda key: PowerTransform()},
        extremes=EXPONENTS,
    ),
    Entry(
        PowerTransform,
        cases={
            "half": lambda key: PowerTransform(0.5),
            "linear": lambda key: PowerTransform(1.0, validate_args=True),
        },
        label="half-line",
    ),
    Entry(
        PowerTransform,
        cases={"trained": lambda key: PowerTransform(positive(key))},
        batch_shape=(3,),
        label="batched",
    ),
    Entry(
        Reciprocal,
        cases={"default": lambda key: Reciprocal(), "validated": lambda key: Reciprocal(validate_args=True)},
        extremes=POINTS,
        output_extremes=POINTS,
    ),
    Entry(
        Sinh,
        cases={"default": lambda key: Sinh(), "validated": lambda key: Sinh(validate_args=True)},
        extremes=EXPONENTS,
    ),
    Entry(
        SinhArcsinh,
        cases={
            "default": lambda key: SinhArcsinh(),
            "skewed": lambda key: SinhArcsinh(0.7),
            "heavy": lambda key: SinhArcsinh(tailweight=1.6),
        },
    ),
    Entry(
        SinhArcsinh,
        cases={"trained": lambda key: SinhArcsinh(three(key), positive(key))},
        batch_shape=(3,),
        label="batched",
    ),
    Entry(
        SoftClip,
        cases={
            "none": lambda key: SoftClip(),
            "low": lambda key: SoftClip(low=-0.8),
            "high": lambda key: SoftClip(high=0.8, hinge_softness=0.5),
            "both": lambda key: SoftClip(-1.0, 2.0),
        },
    ),
    Entry(
        SoftClip,
        cases={"validated": lambda key: SoftClip(-1.0, 2.0, validate_args=True)},
        extremes=INSIDE,
        label="validated",
    ),
    Entry(
        SoftClip,
        cases={"trained": lambda key: SoftClip(-1.0, three(key, 2.0), positive(key))},
        batch_shape=(3,),
        label="batched",
    ),
    Entry(Softfloor, cases={"warm": lambda key: Softfloor(0.7), "cool": lambda key: Softfloor(0.2)}),
    Entry(
        Softfloor,
        cases={"trained": lambda key: Softfloor(positive(key), validate_args=True)},
        batch_shape=(3,),
        label="batched",
    ),
    Entry(Softsign, cases={"default": lambda key: Softsign()}),
    Entry(
        Softsign,
        cases={"validated": lambda key: Softsign(validate_args=True)},
        label="validated",
    ),
    Entry(Square, cases={"default": lambda key: Square(), "validated": lambda key: Square(validate_args=True)}),
    Entry(
        LambertWTail,
        cases={"default": lambda key: LambertWTail(0.5, 2.0, 0.1), "heavy": lambda key: LambertWTail(0.0, 0.5, 1.0)},
        extremes=INSIDE,
    ),
    Entry(
        LambertWTail,
        cases={"trained": lambda key: LambertWTail(three(key), positive(key), positive(key, -2.0))},
        batch_shape=(3,),
        label="batched",
        extremes=INSIDE,
    ),
    Entry(
        StudentTCDF,
        cases={"default": lambda key: StudentTCDF(2.0), "heavy": lambda key: StudentTCDF(0.5, 0.3, 2.0)},
    ),
    Entry(
        StudentTCDF,
        cases={"trained": lambda key: StudentTCDF(positive(key, 2.0), three(key), positive(key))},
        batch_shape=(3,),
        label="batched",
    ),
]
