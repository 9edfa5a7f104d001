"""Layer 7: a report on a table's model, one HTML file that a busy person likes to read."""

from .report import report_html, write_report

__all__ = ["report_html", "write_report"]
