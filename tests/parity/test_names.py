"""docs/tfp_names.md has a row for everything that TensorFlow Probability exports, in the version that is installed."""

import re
from pathlib import Path

from .reference import tfb

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "tfp_names.md"


def test_the_table_of_names_is_complete():
    text = PAGE.read_text("utf-8").split("\n## Bijectors\n")[1].split("\n## ")[0]
    rows = set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
    assert rows == set(tfb.__all__)
