"""Freed memory stays with the process, unless somebody has set the allocator otherwise.

kept            pieces taken and freed again and again do not fault their pages in each time
left alone      with a MALLOC_ variable in the environment they do, as without the library
"""

import os
import platform
import subprocess
import sys

import pytest

# Page faults of taking, filling and freeing 100 MB eight times, after once. The pages of the system may be large.
FAULTS = """
import resource
{first}
def fill():
    bytearray(b"x") * 100_000_000
fill()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(8):
    fill()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
IMPORTED = "import pushforward.core"


def faults(first: str, **environment: str) -> int:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("MALLOC_", "GLIBC_TUNABLES"))}
    command = [sys.executable, "-c", FAULTS.format(first=first)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=clean | environment)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the thresholds are those of glibc")
def test_freed_memory_stays_with_the_process_unless_told_otherwise():
    alone = faults("")
    assert faults(IMPORTED) < alone / 4
    assert faults(IMPORTED, MALLOC_ARENA_MAX="8") > alone / 2
