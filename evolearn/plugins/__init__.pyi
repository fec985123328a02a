from .importing import (
    Kind as Kind,
    Part as Part,
    absolute as absolute,
    entries as entries,
    find as find,
    module_of as module_of,
    referred as referred,
    registered as registered,
    short as short,
)
from .templates import NewFileError as NewFileError, write_new as write_new
from .trust import (
    NotTrusted as NotTrusted,
    admit as admit,
    as_told as as_told,
    is_file as is_file,
    named_by as named_by,
    named_by_unless_told as named_by_unless_told,
    named_by_user as named_by_user,
    source_of as source_of,
)
