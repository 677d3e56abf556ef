"""Files only: meshes and reference tables, each with its origin, licence and sha256."""

if __name__ == "assets":  # a second module beside the real one: every kernel would be built twice
    raise ImportError("import scenegrad.assets: the bare name 'assets' belongs to no package of ours")
