from . import libraries as libraries
from .compiler import (
    COMPILES as COMPILES,
    adapter as adapter,
    aligned_zeros as aligned_zeros,
    cache_folder as cache_folder,
    calls_uncompiled as calls_uncompiled,
    compiled as compiled,
    compiler_reason as compiler_reason,
    doubles as doubles,
    floats as floats,
    handle_of as handle_of,
    inlined as inlined,
    inlined_within as inlined_within,
    integers as integers,
    is_ours as is_ours,
    locate as locate,
    matrix as matrix,
    octets as octets,
    plug as plug,
    record as record,
    specialised as specialised,
    spliced as spliced,
    vector as vector,
    within as within,
    world_code as world_code,
    world_code_within as world_code_within,
)
from .fingerprint import source_fingerprint as source_fingerprint
from .functions import address_of as address_of, function_at as function_at
from .lanes import (
    LANES as LANES,
    fma as fma,
    gather as gather,
    highest as highest,
    load as load,
    load_part as load_part,
    root as root,
    scatter as scatter,
    select as select,
    some as some,
    spread as spread,
    store as store,
    store_part as store_part,
    total as total,
)
from .processor import cache_sizes as cache_sizes, cpu_model as cpu_model, processor_type as processor_type
from .single import exp32 as exp32, log32 as log32, sincos_turn32 as sincos_turn32
from .transcendental import exp_of as exp_of, expm1_of as expm1_of, log1p_of as log1p_of, log_of as log_of
from .vectors import VectorCode as VectorCode, lanes_of as lanes_of
