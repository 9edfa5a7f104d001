"""Training and timing shared by the PyTorch peers: Adam, eager, one step a batch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from benchmarks.common import ADAM_RATE, Moons, emit, moons_arguments, round_trip_arguments, since_start
from benchmarks.harness import report_round_trip

Log = Callable[[torch.Tensor], torch.Tensor]


def make_step(module: torch.nn.Module, log_prob: Log) -> Callable[[torch.Tensor], torch.Tensor]:
    """One step of maximum likelihood: loss, gradient, Adam update."""
    optimizer = torch.optim.Adam(module.parameters(), lr=ADAM_RATE)

    def step(x: torch.Tensor) -> torch.Tensor:
        optimizer.zero_grad()
        loss = -log_prob(x).mean()
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step


def run_moons(
    peer: str,
    build: Callable[..., torch.nn.Module],
    log_prob: Callable[[torch.nn.Module, torch.Tensor], torch.Tensor],
    sample: Callable[[torch.nn.Module, int], torch.Tensor],
    packages: tuple[str, ...],
) -> None:
    """The two-moons benchmark: train, density on the grid, samples; then the test NLL."""
    arguments = moons_arguments()
    torch.manual_seed(arguments.seed)
    imported = since_start()
    moons = Moons(arguments.points)
    flow = build("affine", 2, arguments.hidden, arguments.layers)
    step = make_step(flow, lambda x: log_prob(flow, x))
    train = torch.from_numpy(moons.train)
    for _ in range(arguments.epochs):
        for index in torch.randperm(len(train)).split(arguments.batch):
            step(train[index])
    trained = since_start()
    with torch.no_grad():
        np.asarray(log_prob(flow, torch.from_numpy(moons.grid)))
        np.asarray(sample(flow, 10_000))
        total = since_start()
        test = log_prob(flow, torch.from_numpy(moons.test)).numpy()
    emit(
        peer,
        "moons",
        [total],
        packages,
        nll=moons.raw_nll(test),
        nll_units="nats, raw units",
        seed=arguments.seed,
        imported_s=imported,
        trained_s=trained,
    )


def run_round_trip(
    peer: str,
    build: Callable[..., torch.nn.Module],
    log_prob: Callable[[torch.nn.Module, torch.Tensor], torch.Tensor],
    round_trip: Callable[[torch.nn.Module, torch.Tensor], torch.Tensor],
    packages: tuple[str, ...],
) -> None:
    """The round-trip benchmark: train a little, then to the latents and back."""
    arguments = round_trip_arguments()
    torch.manual_seed(arguments.seed)
    flow = build(arguments.kind, arguments.dim, arguments.hidden, arguments.layers)
    step = make_step(flow, lambda rows: log_prob(flow, rows))

    def there_and_back(x: np.ndarray) -> np.ndarray:
        flow.eval()
        with torch.inference_mode():
            return round_trip(flow, torch.from_numpy(x)).numpy()

    report_round_trip(peer, arguments, lambda x: step(torch.from_numpy(x)), there_and_back, packages)
