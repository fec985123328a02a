from .brains import export as export
from .loading import loading_code as loading_code
