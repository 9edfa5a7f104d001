"""The command lines on the pages are those of the tool, and those of docs/tool.md do what it says.

| what | how |
| --- | --- |
| each `pushforward ...` in README.md and docs/ | parsed by the Typer app: command, options and their values |
| docs/tool.md | its Python and its commands run in order, in one folder; an error is the sentence below it |
| options and exit codes | every option of a command is on the page, and every exit code |
| docs/report.md | what it explains are doubts that the report can raise |

To be quick, `fit` has 1 epoch, 1 layer and no report, and what makes a report or a certificate is parsed only.
"""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import typer

from pushforward.cli import errors, main
from pushforward.cli.entry import app

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TOOL = ROOT / "docs/tool.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
QUICK = ["--epochs", "1", "--layers", "1", "--no-report", "--quiet"]
SLOW = {"report", "check", "demo"}


def command_lines():
    lines = []
    for page in PAGES:
        for language, content in BLOCK.findall(page.read_text("utf-8")):
            if language == "sh":
                found = [line.split(" # ")[0] for line in content.splitlines() if line.startswith("pushforward ")]
                lines += [pytest.param(line, id=f"{page.name}: {line}") for line in found]
    return lines


def parse(words):
    """The context of a command line, parsed all the way down and not run."""
    command = typer.main.get_command(app)
    context = command.make_context("pushforward", list(words))
    while hasattr(context.command, "commands"):
        name, inner, rest = context.command.resolve_command(context, [*context._protected_args, *context.args])
        context = inner.make_context(name, rest, parent=context)
    return context


@pytest.mark.parametrize("line", command_lines())
def test_a_command_line_is_one_of_the_tool(line):
    words = shlex.split(line)[1:]
    assert parse(words).command.name


def test_a_wrong_command_line_would_be_found():
    for line in ("fit table.csv --out m --no-such-option", "fitt table.csv", "fit table.csv --out m --epochs many"):
        with pytest.raises(Exception, match=r"No such|integer"):
            parse(shlex.split(line))


def test_the_page_of_the_tool_runs(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PUSHFORWARD_CACHE", "")
    names, errors_seen = {"__name__": "reader"}, []
    parts = BLOCK.findall(TOOL.read_text("utf-8"))
    for (language, content), (_, below) in zip(parts, [*parts[1:], ("", "")], strict=True):
        if language == "python":
            exec(compile(content, "docs/tool.md", "exec"), names)
        for line in content.splitlines() if language == "sh" else []:
            words = shlex.split(line)
            if words[0] != "pushforward":
                subprocess.run(["bash", "-c", line], check=True)
            elif words[1] not in SLOW and words[1].isalpha():
                capfd.readouterr()
                code = main(words[1:] + (QUICK if words[1] == "fit" else []))
                said = capfd.readouterr().err
                assert code in (0, 2), (line, said)
                if code:
                    errors_seen.append(line)
                    assert said == below, line
    assert len(errors_seen) >= 3
    assert {"new.csv", "scores.csv", "scored.csv", "radii.csv"} <= {path.name for path in tmp_path.iterdir()}
    assert not (tmp_path / "bad").exists()
    assert len((tmp_path / "new.csv").read_text().splitlines()) == 1 + 1000
    assert len((tmp_path / "radii.csv").read_text().splitlines()) == 1 + 2 * 3


def test_every_option_and_exit_code_is_on_the_page():
    text = TOOL.read_text("utf-8")
    for name, command in typer.main.get_command(app).commands.items():
        assert f"pushforward {name}" in text
        inner = list(getattr(command, "commands", {"": command}).values())
        for parameter in (parameter for each in inner for parameter in each.params):
            longest = [option for option in parameter.opts if option.startswith("--")]
            for option in longest[:1] if name != "demo" else []:
                assert f"`{option}" in text, (name, option)
    codes = {errors.DONE, errors.FAILED, errors.BAD_INPUT, errors.BUG, errors.INTERRUPTED}
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)} == codes


def test_what_the_report_is_said_to_distrust_it_can():
    source = "\n".join(path.read_text("utf-8") for path in (ROOT / "src/pushforward/report").glob("*.py"))
    table = (ROOT / "docs/report.md").read_text("utf-8").split("| it says |")[1].split("\n\n")[0]
    heads = re.findall(r"^\| ([A-Z].*?) \|", table, re.MULTILINE)
    assert len(heads) >= 8
    for head in heads:
        assert f'"{head}"' in source, head
