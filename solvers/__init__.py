"""The physics: material points, Navier-Stokes, molecular dynamics; each compiles a scene into a solver."""

if __name__ == "solvers":  # a second module beside the real one: every kernel would be built twice
    raise ImportError("import scenegrad.solvers: the bare name 'solvers' belongs to no package of ours")
