"""A round trip of a flow trained a little with normflows."""

from benchmarks.peers.normflows.model import PACKAGES, build, log_prob, round_trip
from benchmarks.peers.torch_loop import run_round_trip

if __name__ == "__main__":
    run_round_trip("normflows", build, log_prob, round_trip, PACKAGES)
