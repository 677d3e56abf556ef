"""Learned solvers: their data, their models, their training and their evaluation."""

if __name__ == "surrogates":  # a second module beside the real one: every kernel would be built twice
    raise ImportError("import scenegrad.surrogates: the bare name 'surrogates' belongs to no package of ours")
