"""Two moons with nflows: the whole process, from interpreter start to samples."""

from benchmarks.peers.nflows.model import PACKAGES, build, log_prob, sample
from benchmarks.peers.torch_loop import run_moons

if __name__ == "__main__":
    run_moons("nflows", build, log_prob, sample, PACKAGES)
