from . import libraries as libraries
from .compiler import (
    COMPILES as COMPILES,
    adapter as adapter,
    aligned_zeros as aligned_zeros,
    cache_folder as cache_folder,
    calls_uncompiled as calls_uncompiled,
    compiled as compiled,
    compiler_reason as compiler_reason,
    inlined as inlined,
    locate as locate,
    matrix as matrix,
    plug as plug,
    record as record,
    specialised as specialised,
    spliced as spliced,
    vector as vector,
    world_code as world_code,
)
from .fingerprint import source_fingerprint as source_fingerprint
from .processor import cpu_model as cpu_model, processor_type as processor_type
from .transcendental import exp_of as exp_of, expm1_of as expm1_of, log1p_of as log1p_of, log_of as log_of
