"""Medians over interleaved runs, as a dictionary and as Markdown."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path
from statistics import median

from benchmarks.cases import OURS
from benchmarks.common import COUPLINGS

FLOOR = "bare_matmuls"
RESULTS = Path(__file__).resolve().parent / "results"

EXTRAS = {  # key in a script's line: (heading, digits, factor)
    "density_s": ("density pass, ms", 2, 1e3),
    "density_passes": ("passes", 2, 1),
    "first_call_s": ("first call, s", 2, 1),
    "nll": ("test NLL", 3, 1),
}


def machine() -> dict[str, str]:
    """Where and when: processor, cores, Python, date."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.split(":", 1)[1].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        pass
    return {
        "processor": name,
        "cores": str(os.cpu_count()),
        "python": platform.python_version(),
        "date": time.strftime("%Y-%m-%d"),
    }


def origin(packages: dict[str, str], where: dict[str, str] | None = None) -> str:
    """Machine, day and versions of packages, the line above a table; `where` as of `machine()`, this one by default."""
    where = where or machine()
    numbers = ", ".join(f"{name} {number}" for name, number in sorted(packages.items()))
    return f"{where['processor']}, {where['cores']} cores, Python {where['python']}, {where['date']}; {numbers}."


def publish(name: str, text: str) -> None:
    """Print a table and write it to ``benchmarks/results/NAME.md``."""
    print(text)
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{name}.md").write_text(text)


def summary(runs: dict[str, list[dict]]) -> dict[str, dict]:
    """For each script the medians over its runs, and the ratio of its time to ours."""
    table: dict[str, dict] = {}
    for who, results in runs.items():
        good = [result for result in results if "error" not in result]
        if not good:
            table[who] = {"error": results[-1]["error"] if results else "not run"}
            continue
        times = [result["median_s"] for result in good]
        table[who] = {
            "median_s": median(times),
            "least_s": min(times),
            "most_s": max(times),
            "runs": len(good),
            "versions": good[-1]["versions"],
        }
        for key in EXTRAS:
            if key in good[0]:
                table[who][key] = median(result[key] for result in good)
    ours = table.get(OURS, {}).get("median_s")
    for row in table.values():
        if ours and "median_s" in row:
            row["ratio_to_ours"] = row["median_s"] / ours
    return table


def markdown(name: str, result: dict) -> str:
    """One table a case; ratios above 1 mean that ours is faster."""
    where, settings = result["machine"], result["settings"]
    lines = [
        f"# {name}",
        "",
        f"{where['processor']}, {where['cores']} cores, Python {where['python']}, {where['date']}; "
        f"medians of {settings['repeats']} interleaved runs"
        + (f", with {' '.join(settings['more'])}" if settings["more"] else "")
        + ". Ratio: the time over ours.",
    ]
    for case, rows in result["summary"].items():
        extras = [key for key in EXTRAS if any(key in row for row in rows.values())]
        heads = ["", "median, ms", "least to most", "ratio", *(EXTRAS[key][0] for key in extras)]
        lines += ["", f"## {case}", "", "| " + " | ".join([*heads, "versions"]) + " |"]
        lines.append("|" + " --- |" * (len(heads) + 1))
        lines += ["| " + " | ".join(cells(who, row, extras)) + " |" for who, row in rows.items()]
    return "\n".join(lines) + "\n"


def brief(result: dict) -> str:
    """Milliseconds alone, a column a case, autoregressive flows and couplings apart; the fastest in bold."""
    summary = result["summary"]
    packages: dict[str, str] = {}
    for rows in summary.values():
        for row in rows.values():
            packages |= row.get("versions", {})
    blocks = [f"{origin(packages, result['machine'])} Medians of {result['settings']['repeats']} interleaved runs, ms."]
    couplings = [case for case in summary if any(f"-{kind}-" in case for kind in COUPLINGS)]
    for cases in ([case for case in summary if case not in couplings], couplings):
        if cases == ["moons"]:
            blocks.append(whole_process(summary["moons"]))
        elif cases:
            blocks.append(brief_table({case: summary[case] for case in cases}))
    return "\n\n".join(blocks) + "\n"


def brief_table(summary: dict[str, dict]) -> str:
    """One table of `brief`, with the ratios to ours and what else the scripts told of ours below it."""
    columns = list(summary.values())
    timed = [{who: row["median_s"] for who, row in rows.items() if "median_s" in row} for rows in columns]
    least = [min((time for who, time in times.items() if who != FLOOR), default=None) for times in timed]
    lines = [["", *(heading(case) for case in summary)], ["---"] * (1 + len(columns))]
    for who in dict.fromkeys(who for rows in columns for who in rows):
        times = [by_name.get(who) for by_name in timed]
        marks = ["**" if time and time == best else "" for time, best in zip(times, least, strict=True)]
        shown = [f"{1e3 * time:.{digits(1e3 * time)}f}" if time else "failed" for time in times]
        lines.append([who.replace("_", " "), *(f"{mark}{time}{mark}" for mark, time in zip(marks, shown, strict=True))])
    for key, label in (("density_passes", "ours, in density passes"), ("first_call_s", "ours, first call, s")):
        values = [rows.get(OURS, {}).get(key) for rows in columns]
        if any(values):
            lines.append([label, *(f"{value:.2f}" if value else "" for value in values)])
    floors = [ratio(times.get(OURS), times.get(FLOOR)) for times in timed]
    peers = [[time for who, time in times.items() if who not in (OURS, FLOOR)] for times in timed]
    faster = [ratio(min(of_peers, default=None), times.get(OURS)) for of_peers, times in zip(peers, timed, strict=True)]
    for label, ratios in (("ours over bare products", floors), ("fastest peer over ours", faster)):
        if any(ratios):
            lines.append([label, *ratios])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def ratio(a: float | None, b: float | None) -> str:
    """a / b, or nothing."""
    return f"{a / b:.2f}" if a and b else ""


def whole_process(rows: dict[str, dict]) -> str:
    """The table of two moons: seconds and what the trained flow is worth."""
    lines = [["", "seconds", "least to most", "over ours", "test NLL"], ["---"] * 5]
    for who, row in rows.items():
        if "error" in row:
            lines.append([who, "failed", "", "", ""])
            continue
        spread = f"{row['least_s']:.1f} to {row['most_s']:.1f}"
        lines.append([who, f"{row['median_s']:.1f}", spread, f"{row['ratio_to_ours']:.2f}", f"{row['nll']:.3f}"])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def heading(case: str) -> str:
    """`affine coupling, D = 43, 512 rows` of `step-affine_coupling-d43-n512`."""
    kind, dim, rows = case.split("-")[-3:]
    return f"{kind.replace('_', ' ')}, D = {dim[1:]}, {rows[1:]} rows"


def digits(number: float) -> int:
    """Decimals that leave three figures or so."""
    return 2 if number < 10 else 1 if number < 100 else 0


def cells(who: str, row: dict, extras: list[str]) -> list[str]:
    """One line of the table."""
    if "error" in row:
        return [who, "failed", "", "", *("" for _ in extras), row["error"].replace("|", "/")]
    line = [who, f"{row['median_s'] * 1e3:.2f}"]
    line.append(f"{row['least_s'] * 1e3:.2f} to {row['most_s'] * 1e3:.2f}")
    line.append(f"{row['ratio_to_ours']:.2f}" if "ratio_to_ours" in row else "")
    for key in extras:
        _, digits, factor = EXTRAS[key]
        line.append(f"{row[key] * factor:.{digits}f}" if key in row else "")
    line.append(", ".join(f"{package} {number}" for package, number in row["versions"].items()))
    return line
