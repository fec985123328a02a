"""Compiled worlds as Gymnasium environments, for learners of other libraries. The other way is `evolearn.world`'s.

To import this registers an id for every registered world that is compiled, ``evolearn/NAME-v0``: Gymnasium finds it by
``gymnasium.make("evolearn.gymnasium:evolearn/savannah-v0", alpha=90)``.
"""

import lazy_loader

from evolearn.gymnasium._ids import register_ids

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

register_ids()
