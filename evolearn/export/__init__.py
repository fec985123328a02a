"""An evolved brain as safetensors, torch state dict or ONNX, and the code that loads it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
