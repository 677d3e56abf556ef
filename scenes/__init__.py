"""What to simulate: frozen, validated descriptions that round-trip through TOML and JSON."""

if __name__ == "scenes":  # a second module beside the real one: every kernel would be built twice
    raise ImportError("import scenegrad.scenes: the bare name 'scenes' belongs to no package of ours")
