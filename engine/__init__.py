"""How anything runs: states, the solver protocol, adjoints, controllers, the loop, files. Knows no physics."""

if __name__ == "engine":  # a second module beside the real one: every kernel would be built twice
    raise ImportError("import scenegrad.engine: the bare name 'engine' belongs to no package of ours")
