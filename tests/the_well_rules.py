"""What The Well's own checkers ask of a file [PolymathicAI/the_well, scripts/check_thewell_formatting.py and
check_thewell_data.py]; told here anew, as neither comes with its package."""

import h5py
import numpy as np

LAW = (bool, np.bool_)


def names_in(group, attribute):
    names = group.attrs[attribute]
    assert isinstance(names, np.ndarray)
    assert all(isinstance(name, str) for name in names)
    return list(names)


def says(thing, *attributes):
    assert all(isinstance(thing.attrs[name], LAW) for name in attributes), thing.name


def check_the_well(path):
    with h5py.File(path, locking=False) as file:
        assert isinstance(file.attrs["n_trajectories"], np.integer)
        assert all(isinstance(file.attrs[name], str) for name in ("dataset_name", "grid_type"))
        assert all(name in file.attrs for name in file.attrs["simulation_parameters"])
        dimensions = file["dimensions"]
        axes = names_in(dimensions, "spatial_dims")
        assert len(axes) == file.attrs["n_spatial_dims"] > 0
        says(dimensions["time"], "sample_varying")
        for axis in axes:
            says(dimensions[axis], "sample_varying", "time_varying")
        length = {axis: dimensions[axis].shape[-1] for axis in ("time", *axes)}
        for order in range(3):
            group = file[f"t{order}_fields"]
            for name in names_in(group, "field_names"):
                field = group[name]
                says(field, "sample_varying", "time_varying")
                assert [type(varies) for varies in field.attrs["dim_varying"]] == [np.bool_] * len(axes)
                expected = [file.attrs["n_trajectories"]] if field.attrs["sample_varying"] else []
                expected += [length["time"]] if field.attrs["time_varying"] else []
                expected += [length[a] for a, v in zip(axes, field.attrs["dim_varying"], strict=True) if v]
                assert field.shape == (*expected, *[len(axes)] * order)
                values = field[()]
                assert np.isfinite(values).all()
                assert all(np.ptp(frame) > 0 for one in values for frame in one[1:]), "a constant frame"
        for name in names_in(file["scalars"], "field_names"):
            scalar = file["scalars"][name]
            says(scalar, "sample_varying", "time_varying")
            assert scalar.ndim == int(scalar.attrs["sample_varying"]) + int(scalar.attrs["time_varying"])
        for side in file["boundary_conditions"].values():
            says(side, "sample_varying", "time_varying")
            assert side.attrs["bc_type"] == side.attrs["bc_type"].upper()
            assert "associated_fields" in side.attrs
            assert side["mask"].shape == tuple(length[axis] for axis in side.attrs["associated_dims"])
