"""The twenty claims: what each says, which study asks it, what decides it, and what came of it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
