"""The pages of docs/catalogue, one a family of bijectors, from the classes themselves.

| file | what |
| --- | --- |
| `families.py` | which class is on which page, by hand |
| `facts.py` | what a class says of itself: signature, formula, inverse, log-det, ranks |
| `examples.py` | the arguments that the pictures are drawn for, by hand |
| `pictures.py` | a scalar map and its log-derivative as inline SVG |
| `directive.py` | `{catalogue}`, which sets all this on a page, and the warning where a class has no page |

Only the last needs Sphinx: the tests read the others.
"""
