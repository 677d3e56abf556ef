"""Files only: meshes and reference tables, each with its origin, licence and sha256."""

if __name__ == "assets":  # the folder would become a second module beside the real one, and every kernel would be built twice
    raise ImportError("import scenegrad.assets: the bare name 'assets' belongs to no package of ours")
