"""Layer 2: invertible maps, one idea a file.

The names stand in `__init__.pyi`; a file is imported when a name of it is first used, so that a program pays for the
maps that it takes and not for the whole catalogue.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
