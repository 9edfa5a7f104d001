"""A round trip of a flow trained a little with zuko."""

from benchmarks.peers.torch_loop import run_round_trip
from benchmarks.peers.zuko.model import PACKAGES, build, log_prob, round_trip

if __name__ == "__main__":
    run_round_trip("zuko", build, log_prob, round_trip, PACKAGES)
