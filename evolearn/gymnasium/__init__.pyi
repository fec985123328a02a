from .environment import WorldEnv as WorldEnv
