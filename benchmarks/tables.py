"""Medians over interleaved runs, as a dictionary and as Markdown."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path
from statistics import median

from benchmarks.cases import OURS

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
