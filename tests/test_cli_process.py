"""What of the tool needs a process of its own: how fast it answers, signals, full disks, the cache of programs."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

import pushforward
from pushforward.cli.places import beside

from .test_cli import SMALL, table, write

SOURCE = Path(pushforward.__file__).parent.parent
COMMAND = (sys.executable, "-m", "pushforward")


def environment(**more):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JAX", "XLA", "PYTEST"))}
    return {**kept, "PYTHONPATH": str(SOURCE), "PUSHFORWARD_CACHE": "", **more}


def start(*words, **more):
    words = [*COMMAND, *map(str, words)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(**more))


def run(*words, **more):
    process = start(*words, **more)
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def test_help_comes_before_anything_heavy_is_loaded():
    heavy = "{'jax', 'numpy', 'pyarrow', 'matplotlib', 'sklearn', 'rich', 'equinox'}"
    code = f"""
import sys
from pushforward.cli import main
for words in ([], ["--help"], ["--version"], ["fit", "--help"], ["demo", "moons", "--help"]):
    assert main(words) == 0
loaded = {heavy} & set(sys.modules)
assert not loaded, loaded
"""
    # Best of three, as other tests run beside: 0.1 s alone, where 0.3 s is promised.
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], env=environment(), check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - began)
    assert min(seconds) < 1.0


def test_bad_input_is_refused_before_jax_is_loaded(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n3,x\n")
    code = f"""
import sys
from pushforward.cli import main
assert main(["fit", {str(tmp_path / "t.csv")!r}, "--out", {str(tmp_path / "m")!r}]) == 2
assert "jax" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], env=environment(), check=True, stderr=subprocess.DEVNULL)
    assert os.listdir(tmp_path) == ["t.csv"]


def test_completion_knows_commands():
    asked = {"_PUSHFORWARD_COMPLETE": "complete_bash", "COMP_WORDS": "pushforward sc", "COMP_CWORD": "1"}
    code, out, _ = run(**asked)
    assert (code, out.split()) == (0, ["score"])


def test_a_closed_pipe_is_no_error(tmp_path):
    process = start("--help")
    process.stdout.close()
    assert process.wait(timeout=60) in (0, 141)
    with process.stderr:
        assert "Traceback" not in process.stderr.read()


@pytest.mark.slow
def test_kill_and_ctrl_c_and_resume(tmp_path):
    write(tmp_path / "t.csv", table(2_000))
    model, cache = tmp_path / "m", {"PUSHFORWARD_CACHE": str(tmp_path / "cache")}
    fit = ("fit", tmp_path / "t.csv", "--out", model, *SMALL, "--patience", 100_000)
    assert run(*fit, **cache)[0] == 0
    history = _losses(model)

    shutil.rmtree(model)
    process = start(*fit, **cache)
    _wait_for(beside(model, "checkpoint") / "training.safetensors", process)
    process.kill()
    process.communicate()
    assert not model.exists()
    assert run(*fit, "--resume", **cache)[0] == 0
    assert _losses(model) == history
    assert sorted(os.listdir(tmp_path)) == ["cache", "m", "t.csv"]

    process = start(*fit, "--overwrite", "--epochs", 1_000_000, **cache)
    _wait_for(beside(model, "checkpoint") / "training.safetensors", process)
    code, _, err = run(*fit, "--overwrite")
    assert code == 2
    assert "another `pushforward fit`" in err
    time.sleep(4)
    process.send_signal(signal.SIGINT)
    _out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "holds the best model so far" in err
    assert json.loads(run("info", model, "--json")[1])["stopped"] == "interrupted"


MOUNT = ("mount", "-t", "tmpfs", "-o", "size=64k", "none")


def can_mount():
    with tempfile.TemporaryDirectory() as folder:
        try:
            subprocess.run([*MOUNT, folder], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            return False
        subprocess.run(["umount", folder], check=True)
    return True


@pytest.mark.slow
@pytest.mark.skipif(not can_mount(), reason="file systems cannot be mounted here")
def test_a_full_disk_leaves_nothing(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run([*MOUNT, disk], check=True)
    try:
        write(tmp_path / "t.csv", table(5_000))
        assert run("fit", tmp_path / "t.csv", "--out", tmp_path / "m", *SMALL)[0] == 0
        for words in (
            ("sample", tmp_path / "m", "-n", 20_000, "--out", disk / "s.csv"),
            ("score", tmp_path / "m", tmp_path / "t.csv", "--out", disk / "s.parquet", "--keep"),
            ("fit", tmp_path / "t.csv", "--out", disk / "m", *SMALL, "--hidden", "300,300"),
        ):
            code, out, err = run(*words)
            assert code == 2
            assert out == ""
            assert "free some space" in err.lower()
            assert "Traceback" not in err
            assert [name for name in os.listdir(disk) if not name.startswith(".m.checkpoint")] == []
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.slow
def test_the_second_fit_starts_warm_whatever_the_hash_seed(tmp_path):
    write(tmp_path / "t.csv", table(500))
    facts = []
    for seed in ("1", "2"):
        words = ("fit", tmp_path / "t.csv", "--out", tmp_path / f"m{seed}", "--epochs", 1, "--no-report", "--json")
        code, out, _ = run(*words, PYTHONHASHSEED=seed, PUSHFORWARD_CACHE=str(tmp_path / "cache"))
        assert code == 0
        facts.append(json.loads(out))
    assert facts[0]["compile_seconds_saved"] == 0
    # The large programs come from the cache, and compile as long as they did the first time.
    assert facts[1]["compile_seconds_saved"] > 0.5 * facts[0]["compile_seconds"]
    assert facts[1]["compile_seconds"] < 0.5 * facts[0]["compile_seconds"]


@pytest.mark.slow
def test_a_cache_that_cannot_be_written_does_no_harm(tmp_path):
    write(tmp_path / "t.csv", table())
    (tmp_path / "file").write_text("")
    words = ("fit", tmp_path / "t.csv", "--out", tmp_path / "m", *SMALL, "--quiet")
    assert run(*words, PUSHFORWARD_CACHE=str(tmp_path / "file" / "cache")) == (0, "", "")


@pytest.mark.slow
def test_the_commands_of_the_readme_run(tmp_path):
    write(tmp_path / "table.csv", table(1_000))
    cache = environment(PUSHFORWARD_CACHE=str(tmp_path / "cache"))
    page = (SOURCE.parent / "README.md").read_text("utf-8")
    lines = [line for line in page.splitlines() if line.startswith("pushforward ")]
    assert len(lines) >= 6
    for line in lines:
        words = [*shlex.split(line, comments=True)[1:], "--quiet"]
        process = subprocess.run([*COMMAND, *words], cwd=tmp_path, env=cache, capture_output=True, check=False)
        assert process.returncode == 0, (line, process.stderr)
    made = {"cache", "demo", "model", "report.html", "samples.csv", "scores.csv", "table.csv"}
    assert set(os.listdir(tmp_path)) == made


def _losses(model):
    return [line.split(",")[:3] for line in (model / "history.csv").read_text().splitlines()]


def _wait_for(path, process, seconds=60):
    end = time.monotonic() + seconds
    while not path.exists():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < end
        time.sleep(0.05)
