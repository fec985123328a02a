"""What users bring: found by its name, imported, and written anew from templates.

A kind of thing, worlds or drives, says what its rows are; whoever keeps the table of a kind asks here for a name.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
