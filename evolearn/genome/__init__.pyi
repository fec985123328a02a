from .genome import (
    ENCODING as ENCODING,
    ENCODINGS as ENCODINGS,
    EVOLVED as EVOLVED,
    FIXED as FIXED,
    FRESH as FRESH,
    GROUPS as GROUPS,
    TRANSFORMS as TRANSFORMS,
    FloatArray as FloatArray,
    Gene as Gene,
    GenePool as GenePool,
    decode as decode,
    draw_fresh as draw_fresh,
    find_encoding as find_encoding,
    from_z as from_z,
    gene_pool as gene_pool,
    initial_distribution as initial_distribution,
)
from .newborns import Newborns as Newborns
