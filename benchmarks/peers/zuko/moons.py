"""Two moons with zuko: the whole process, from interpreter start to samples."""

from benchmarks.peers.torch_loop import run_moons
from benchmarks.peers.zuko.model import PACKAGES, build, log_prob, sample

if __name__ == "__main__":
    run_moons("zuko", build, log_prob, sample, PACKAGES)
