"""Layer 6: models of tables, in the units of the data."""

from .table_flow import TableFlow

__all__ = ["TableFlow"]
