from .claims.page import ClaimOnPage as ClaimOnPage, decisive_chart as decisive_chart, render_claims as render_claims
from .films import check_film as check_film, is_replay_page as is_replay_page, write_film as write_film
from .inspection.files import (
    INSPECTION_FILE as INSPECTION_FILE,
    INSPECTION_FORMAT as INSPECTION_FORMAT,
    is_inspection as is_inspection,
)
from .inspection.section import Section as Section
from .overview import (
    Curve as Curve,
    Gene as Gene,
    Newborn as Newborn,
    Seen as Seen,
    render_overview as render_overview,
)
from .report import (
    write_experiment_report as write_experiment_report,
    write_inspection_report as write_inspection_report,
    write_report as write_report,
)
from .study.files import label_of as label_of, read_results as read_results
from .texts import band_value as band_value, cost_in_words as cost_in_words, duration as duration
