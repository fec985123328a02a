"""What an agent is made of: trunks, policies, learners and drives, a file and a row each; its brain in torch."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
