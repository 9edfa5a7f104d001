"""Layer 5: is this flow right, and good, on this data?"""

from .certificate import check
from .findings import Certificate, Finding, LayerReport

__all__ = ["Certificate", "Finding", "LayerReport", "check"]
