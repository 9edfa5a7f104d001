"""Layer 3: distributions on NumPyro: transformed and conditional ones, and the bases people expect beside them.

The names stand in `__init__.pyi`; a file is imported when a name of it is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
