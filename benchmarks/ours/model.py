"""The flows that the sampling and step benchmarks time."""

import argparse

import jax

from pushforward import flows


def flow(arguments: argparse.Namespace):
    """An autoregressive or coupling flow, layers with reversing permutations between."""
    make = {
        "affine": flows.maf,
        "spline": flows.spline_autoregressive,
        "affine_coupling": flows.realnvp,
        "spline_coupling": flows.spline_coupling,
    }[arguments.kind]
    return make(
        jax.random.key(arguments.seed),
        arguments.dim,
        layers=arguments.layers,
        hidden_units=tuple(arguments.hidden),
        permutation="reverse",
    )
