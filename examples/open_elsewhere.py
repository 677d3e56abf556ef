"""Open a run elsewhere

A blast of air, written once, opened by other programs: VTKHDF by ParaView and PyVista as it stands, .pvd and XDMF for
older readers, .npz and .csv for scripts. Exports copy; a run that is still going, or was killed, can be exported too.
"""

import numpy as np

import scenegrad as sg
from scenegrad.view.plots import Row, plot_tiles


def main(out: str = "runs/blast", cells: int = 96) -> None:
    run = sg.run(sg.library.blast(cells=cells), out=out)
    for to in ("pvd", "xdmf", "csv"):
        files = sg.export(run, to)
        print(f"{to}: {len(files)} files, {files[0].relative_to(out)} first")

    (fields,) = sg.export(run, "npz", output="fields")
    with np.load(fields) as arrays:
        print({name: array.shape for name, array in arrays.items()})
        frames = arrays["density"][3:15:3]
    plot_tiles([Row("", frames, name="density", unit="kg/m³")], f"{out}/open_elsewhere.png")


if __name__ == "__main__":
    main()
