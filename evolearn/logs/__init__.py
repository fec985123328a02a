"""What other tools show of a run while it goes on: TensorBoard, Weights & Biases, tables."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
