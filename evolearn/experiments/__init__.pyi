from .experiment import start_experiment as start_experiment
from .table import (
    EXPERIMENTS as EXPERIMENTS,
    is_experiment as is_experiment,
    read_experiment as read_experiment,
    settings_of as settings_of,
)
