"""Create the peers' virtual environments below ``benchmarks/.envs`` (safe to run again).

    python benchmarks/envs.py            # all of them
    python benchmarks/envs.py torch tf   # some of them

Each environment is finished when its stamp file holds the list of requirements; an
unfinished or outdated one is built again from nothing. Packages are asked for by name
only: where they come from is the business of the machine's pip configuration.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / ".envs"

# Each entry is a list of pip calls, made in order. Torch is asked for first and alone,
# so that no other package's requirement decides which build of it is taken.
ENVIRONMENTS: dict[str, list[list[str]]] = {
    "torch": [["torch==2.13.0"], ["zuko", "nflows", "normflows", "scikit-learn"]],
    "tf": [["tensorflow", "tf-keras", "tensorflow-probability==0.25.*"]],
    "tfpjax": [["jax", "tfp-nightly", "optax"]],
    "flowjax": [["flowjax", "jax", "optax"]],
}


def python_of(name: str) -> Path:
    """The interpreter of environment ``name``, whether it exists or not."""
    scripts = "Scripts" if sys.platform == "win32" else "bin"
    return FOLDER / name / scripts / "python"


def create(name: str) -> bool:
    """Build environment ``name`` unless its stamp is up to date; true when it was built."""
    steps = ENVIRONMENTS[name]
    stamp = FOLDER / name / "requirements.stamp"
    wanted = "\n".join(" ".join(step) for step in steps) + "\n"
    if stamp.exists() and stamp.read_text() == wanted and python_of(name).exists():
        return False
    shutil.rmtree(FOLDER / name, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(FOLDER / name)], check=True)
    for step in steps:
        pip = [str(python_of(name)), "-m", "pip", "install", "--quiet"]
        subprocess.run(pip + step, check=True)
    stamp.write_text(wanted)
    return True


def main() -> int:
    """Create the environments named on the command line, all by default."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"any of {', '.join(ENVIRONMENTS)}")
    names = parser.parse_args().names or list(ENVIRONMENTS)
    if unknown := [name for name in names if name not in ENVIRONMENTS]:
        parser.error(f"unknown environment {unknown[0]!r}; choose from {', '.join(ENVIRONMENTS)}")
    for name in names:
        try:
            print(f"{name}: {'created' if create(name) else 'up to date'}", flush=True)
        except subprocess.CalledProcessError as error:
            print(f"{name}: failed, exit status {error.returncode} of {error.cmd}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
