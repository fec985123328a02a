"""What pages are made of: the content of result files, and the error where none can be made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evolearn.errors import UserError

Json = Mapping[str, Any]


class ReportError(UserError):
    """Results from which no page can be made; the text names the file and the remedy."""
