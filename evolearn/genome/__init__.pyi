from .encodings import (
    DIRECT as DIRECT,
    ENCODING as ENCODING,
    ENCODINGS as ENCODINGS,
    Code as Code,
    Encoding as Encoding,
    find_encoding as find_encoding,
)
from .genes import (
    TRANSFORMS as TRANSFORMS,
    FloatArray as FloatArray,
    Gene as Gene,
    encoded as encoded,
    initial_distribution as initial_distribution,
    initial_weights as initial_weights,
)
from .genome import (
    EVOLVED as EVOLVED,
    FIXED as FIXED,
    FRESH as FRESH,
    GROUPS as GROUPS,
    GenePool as GenePool,
    decode as decode,
    draw_fresh as draw_fresh,
    from_z as from_z,
    gene_pool as gene_pool,
    plasticity_by_gene as plasticity_by_gene,
    value_by_gene as value_by_gene,
)
from .newborns import Newborns as Newborns
from .torch_codes import decoder_of as decoder_of
