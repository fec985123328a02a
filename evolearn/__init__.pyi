from .api import evolve as evolve, live as live, load as load, run_study as run_study

__version__: str
