from .costs import Cost as Cost, estimated as estimated, measured as measured
from .found import Standing as Standing, standings as standings
from .judgement import FAILED as FAILED, HELD as HELD, IN_PART as IN_PART, WORDS as WORDS
from .markdown import claims_table as claims_table, put_into as put_into
from .page import write_claims_page as write_claims_page
from .records import (
    RECORDS as RECORDS,
    keep as keep,
    kept_records as kept_records,
    record_of as record_of,
)
from .table import claims as claims, find_claim as find_claim
