"""What the script of a page reads of a packed replay."""

import base64
import json
import zlib

import numpy as np


def unpacked(packed):
    """What the page's script reads of a packed replay: its head, and the columns of every arm."""
    content = zlib.decompress(base64.b64decode(packed["data"]))
    length = int.from_bytes(content[:4], "little")
    head, start, columns = json.loads(content[4 : 4 + length]), 4 + length, []
    for arm in head["arms"]:
        kept = max(arm["kept"]) + 1
        steps = np.frombuffer(content, "<u2", kept * arm["rows"], start).reshape(kept, -1)
        start += steps.nbytes
        places = np.cumsum(np.vstack([steps, np.zeros_like(steps[:1])]), axis=1, dtype=np.uint16)[arm["kept"]]
        low, high = (np.array(arm[end])[:, None] for end in ("low", "high"))
        columns.append(low + (high - low) * places / 65535)
    assert start == len(content)
    return head, columns
