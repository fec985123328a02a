from .page import PAGE as PAGE, write_overview as write_overview
from .seen import (
    RUNNING as RUNNING,
    find_seen as find_seen,
    look_at as look_at,
)
