"""Pictures and windows of results, drawn with PyVista when asked for."""

if __name__ == "view":  # a second module beside the real one: every kernel would be built twice
    raise ImportError("import scenegrad.view: the bare name 'view' belongs to no package of ours")
