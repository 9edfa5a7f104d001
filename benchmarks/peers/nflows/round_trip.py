"""A round trip of a flow trained a little with nflows."""

from benchmarks.peers.nflows.model import PACKAGES, build, log_prob, round_trip
from benchmarks.peers.torch_loop import run_round_trip

if __name__ == "__main__":
    run_round_trip("nflows", build, log_prob, round_trip, PACKAGES)
