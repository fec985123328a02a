"""The worlds in the box, one file each; see `evolearn.world` for the contract.

Installed, they lie in a folder in the place of this file. In a checkout they lie beside the package, in ``worlds/``,
which this file makes a part of it. So they have a name that no package of a user's can take.
"""

from pathlib import Path

__path__ = [str(Path(__file__).parents[1] / "worlds")]
