"""Shared by tests: WORLD_FILE."""

WORLD_FILE = """
    \"\"\"A coin that is always heads.\"\"\"

    import dataclasses

    import numpy as np

    from evolearn.world import Discrete, Signal, World, world_code

    HEADS = 1.0


    @dataclasses.dataclass
    class Coin:  # looks its module up
        side: float = HEADS


    @world_code
    def heads():
        return HEADS


    def born(state, parameters, rng):
        state.side = heads()


    def observe(state, parameters, observation):
        observation[0] = state.side


    def step(state, parameters, action, senses, rng):
        return state.side, False, False


    coin = World(
        name="coin",
        doc=__doc__,
        observations=(Signal("side", "1"),),
        actions=Discrete(2),
        state=np.dtype([("side", "f8")], align=True),
        born=born,
        begin=born,
        observe=observe,
        step=step,
    )
    penny = coin
"""
